"""Downloads, from a server on this machine: whole files, or none and a reason."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lazygrad.data.download import RemoteFile, download
from lazygrad.errors import DataError

CONTENT = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path == "/gone":
            self.send_error(404)
            return
        body = b"something else" if self.path == "/other" else CONTENT
        self.send_response(200)
        if self.path != "/unmeasured":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000] if self.path == "/cut" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def remote(server, *paths, sha256=SHA256):
    host = f"http://127.0.0.1:{server.server_port}"
    return RemoteFile("data.bin", sha256, tuple(host + path for path in paths))


@pytest.mark.parametrize("path", ["/data", "/unmeasured"])
def test_a_file_arrives(server, tmp_path, path):
    folder = tmp_path / "new" / "folder"
    got = download(remote(server, path), folder)
    assert got == folder / "data.bin"
    assert got.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [got]


def test_a_file_that_is_there_is_not_asked_for(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"mine")
    assert download(remote(server, "/data"), tmp_path).read_bytes() == b"mine"
    assert server.requests == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/other", "sent 14 of 14 bytes with the SHA-256 checksum "),
        ("/cut", f"sent 1000 of {len(CONTENT)} bytes with the SHA-256 checksum "),
        ("/gone", "HTTP Error 404: Not Found"),
    ],
)
def test_a_wrong_file_leaves_nothing(server, tmp_path, path, words):
    with pytest.raises(DataError) as caught:
        download(remote(server, path), tmp_path)
    message = str(caught.value)
    assert message.startswith("[download] could not get data.bin\n")
    assert f"{path}: {words}" in message
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_end_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr("lazygrad.data.download.LARGEST", 1 << 19)
    with pytest.raises(DataError, match="sent more than 524288 bytes"):
        download(remote(server, "/unmeasured"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_next_mirror_is_tried(server, tmp_path):
    file = remote(server, "/gone", "/other", "/data")
    assert download(file, tmp_path).read_bytes() == CONTENT
    assert server.requests == ["/gone", "/other", "/data"]


def test_every_mirror_is_in_the_message(server, tmp_path):
    with pytest.raises(DataError) as caught:
        download(remote(server, "/gone", "/other"), tmp_path)
    assert len(str(caught.value).splitlines()) == 3


def test_no_network(tmp_path):
    file = RemoteFile("data.bin", SHA256, ("http://127.0.0.1:9/data",))
    with pytest.raises(DataError, match="http://127.0.0.1:9/data: .*refused"):
        download(file, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot create the folder .*set LAZYGRAD_DATA"):
        download(remote(server, "/data"), tmp_path / "file" / "folder")


def test_an_interruption_leaves_nothing(server, tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("lazygrad.data.download._copy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download(remote(server, "/data"), tmp_path)
    assert list(tmp_path.iterdir()) == []
