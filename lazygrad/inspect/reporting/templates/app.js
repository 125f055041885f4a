"use strict";
// What is shown is in the address: #PLAN/VIEW/kNUMBER or #PLAN/VIEW/l:FILE:LINE. Links name what they
// change; the rest stays. Pages of kernels and lines, and drawings, are packed: `opened` holds those of
// the plan that is shown, soon after it is; until then, and where it cannot be unpacked, null.
const byId = (id) => document.getElementById(id);
const main = byId("main"), detail = byId("detail"), search = byId("search"), found = byId("found");
const views = [...document.querySelectorAll("nav a")].map((a) => a.dataset.view);
const state = { plan: -1, view: views[0], kernel: null, line: null };
let data = null, opened = null, drawing = null;

// -- the address ------------------------------------------------------------------------------

function wanted() {
  const next = { ...state, plan: Math.max(state.plan, 0) };
  for (const part of location.hash.slice(1).split("/").filter(Boolean).map(decodeURIComponent)) {
    if (/^\d+$/.test(part) && byId(`p${part}`)) {
      if (+part !== state.plan) Object.assign(next, { kernel: null, line: null });
      next.plan = +part;
    } else if (views.includes(part)) next.view = part;
    else if (/^k\d+$/.test(part)) Object.assign(next, { kernel: +part.slice(1), line: null });
    else if (part.startsWith("l:")) Object.assign(next, { line: part.slice(2), kernel: null });
    else if (part === "none") Object.assign(next, { kernel: null, line: null });
  }
  return next;
}

function address(s) {
  const item = s.kernel !== null ? [`k${s.kernel}`] : s.line !== null ? [`l:${encodeURIComponent(s.line)}`] : [];
  return `#${[s.plan, s.view, ...item].join("/")}`;
}

const go = (...parts) => { location.hash = [state.plan, ...parts].join("/"); show(); };

function show() {
  const next = wanted(), before = { ...state };
  Object.assign(state, next);
  if (location.hash !== address(state)) history.replaceState(null, "", address(state));
  if (state.plan !== before.plan) openPlan();
  for (const section of main.children) section.hidden = section.dataset.section !== state.view;
  for (const a of document.querySelectorAll("nav a")) a.classList.toggle("here", a.dataset.view === state.view);
  if (state.view !== before.view) main.scrollTop = 0;
  if (state.kernel !== null && !(state.kernel in data.kernels)) state.kernel = null;
  openDetail();
  mark();
  if (state.view === "graph") showGraph();
}

function openPlan() {
  byId("plan").value = state.plan;
  data = JSON.parse(byId(`p${state.plan}-data`).textContent);
  main.replaceChildren(byId(`p${state.plan}`).content.cloneNode(true));
  opened = drawing = null;
  const plan = state.plan;
  unpack(byId(`p${plan}-packed`).textContent).then(
    (content) => { if (plan === state.plan) { opened = content; show(); } },
    (error) => { byId("problem").textContent = `This browser cannot unpack the page (${error}): Chrome 80, Firefox 113 and Safari 16.4 can.`; },
  );
}

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

// -- a kernel or line -------------------------------------------------------------------------

function openDetail() {
  const item = state.kernel !== null ? ["kernels", state.kernel] : state.line in data.lines ? ["lines", data.lines[state.line]] : null;
  const shows = item && opened ? [state.plan, ...item].join(" ") : "";
  detail.hidden = !shows;
  if (detail.dataset.shows === shows) return;
  detail.dataset.shows = shows;
  if (!shows) return;
  const close = document.createElement("button");
  close.className = "close"; close.textContent = "×"; close.title = "close  Esc";
  close.onclick = () => go(state.view, "none");
  const [kind, number] = item;
  detail.innerHTML = opened[kind][number];
  detail.prepend(close);
  for (const pre of detail.querySelectorAll("[data-text]")) pre.innerHTML = opened.texts[pre.dataset.text];
  detail.scrollTop = 0;
}

// Everything in the views that stands for what is chosen.
function mark() {
  for (const one of document.querySelectorAll(".chosen, .of-chosen")) one.classList.remove("chosen", "of-chosen");
  let first = null;
  const chosen = state.kernel !== null ? `[data-kernel="${state.kernel}"]` : state.line !== null ? `[data-line="${CSS.escape(state.line)}"]` : null;
  if (chosen === null) return;
  for (const one of main.querySelectorAll(chosen)) {
    one.classList.add("chosen");
    if (!first && !one.closest("section").hidden) first = one;
  }
  if (state.kernel !== null)
    for (const row of main.querySelectorAll("tr.line"))
      if (row.dataset.kernels.split(" ").includes(String(state.kernel))) {
        row.classList.add("of-chosen");
        if (!first && state.view === "source") first = row;
      }
  if (first) reveal(first);
}

// Scrolls up and down, and within the timeline to the side.
function reveal(one) {
  const scroll = one.closest("#timeline"), box = one.getBoundingClientRect(), view = main.getBoundingClientRect();
  if (box.top < view.top + 30 || box.bottom > view.bottom) main.scrollTop += box.top - view.top - view.height / 3;
  if (!scroll) return;
  const within = scroll.getBoundingClientRect();
  if (box.left < within.left || box.right > within.right) scroll.scrollLeft += box.left - within.left - within.width / 3;
}

// -- clicks -----------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const at = event.target;
  if (!at.closest("#found, #search")) found.hidden = true;
  const tab = at.closest("nav a");
  if (tab) return go(tab.dataset.view);
  const zoom = at.closest("[data-zoom]");
  if (zoom && drawing) return zoom.dataset.zoom === "0" ? drawing.fit() : drawing.zoom(+zoom.dataset.zoom);
  const fold = at.closest(".fold");
  if (fold) {
    for (let row = fold.nextElementSibling; row && row.hidden; row = row.nextElementSibling) row.hidden = false;
    return fold.remove();
  }
  const head = at.closest(".sortable th");
  if (head) return sort(head);
  if (at.closest("a[href]") || dragged) return;
  const kernel = at.closest("[data-kernel]");
  if (kernel) return go(`k${kernel.dataset.kernel}`);
  const line = at.closest("tr.line");
  if (line) go(`l:${encodeURIComponent(line.dataset.line)}`);
});

function sort(head) {
  const column = [...head.parentNode.children].indexOf(head), body = head.closest("table").tBodies[0];
  const up = head.dataset.up !== "1";
  for (const other of head.parentNode.children) delete other.dataset.up;
  head.dataset.up = up ? "1" : "0";
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const numbers = body.rows.length && body.rows[0].cells[column].dataset.value !== undefined;
  const order = (a, b) => (numbers ? value(b) - value(a) : value(a).localeCompare(value(b)));
  const rows = [...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a)));
  body.replaceChildren(...rows);
}

// -- search -----------------------------------------------------------------------------------

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = [];
  const look = (text, about, target) => {
    const low = `${text} ${about}`.toLowerCase();
    if (hits.length < 60 && words.every((word) => low.includes(word))) hits.push([text, about, target]);
  };
  if (words.length) {
    for (const [place, about] of Object.entries(data.labels)) look(place, about, ["source", `l:${encodeURIComponent(place)}`]);
    data.kernels.forEach((kernel, number) => look(`${number} ${kernel.name}`, kernel.about, [`k${number}`]));
    for (const [name, number] of data.values) look(name, "value", [`k${number}`]);
  }
  found.replaceChildren(...hits.map(([text, about, target]) => {
    const item = document.createElement("li"), small = document.createElement("small");
    small.textContent = ` ${about}`;
    item.append(text, small);
    item.onclick = () => { found.hidden = true; search.blur(); go(...target); };
    return item;
  }));
  if (found.firstChild) found.firstChild.classList.add("here");
  found.hidden = !hits.length;
}

search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  const here = found.querySelector(".here");
  if (event.key === "Enter" && here) here.click();
  if (event.key === "Escape") { found.hidden = true; search.blur(); }
  const other = { ArrowDown: here?.nextElementSibling, ArrowUp: here?.previousElementSibling }[event.key];
  if (other) { here.classList.remove("here"); other.classList.add("here"); other.scrollIntoView({ block: "nearest" }); event.preventDefault(); }
});

// -- keys -------------------------------------------------------------------------------------

function step(by) {
  const rows = [...main.querySelectorAll('[data-section="kernels"] tbody tr')].map((row) => +row.dataset.kernel);
  const at = rows.indexOf(state.kernel);
  go(`k${rows[Math.min(Math.max(at < 0 ? 0 : at + by, 0), rows.length - 1)]}`);
}

const zoomBy = (factor) => (state.view === "graph" && drawing ? (factor ? drawing.zoom(factor) : drawing.fit()) : zoomTimeline(factor, null));
const keys = {
  "/": () => { search.focus(); search.select(); }, t: turn, "?": () => byId("keys").showModal(),
  j: () => step(1), k: () => step(-1), "+": () => zoomBy(1.4), "=": () => zoomBy(1.4), "-": () => zoomBy(1 / 1.4), 0: () => zoomBy(0),
  l: () => { const place = data.kernels[state.kernel]?.place; if (place in data.lines) go("source", `l:${encodeURIComponent(place)}`); },
  Escape: () => go(state.view, "none"),
  Enter: () => { const row = document.activeElement.closest?.("tr.line"); if (row) row.click(); },
};
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=radio]), select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = keys[event.key] ?? (views[event.key - 1] && (() => go(views[event.key - 1])));
  if (act) { event.preventDefault(); act(); }
});

// -- the timeline -----------------------------------------------------------------------------

let dragged = false;
function zoomTimeline(factor, x) {
  const scroll = main.querySelector("#timeline");
  if (!scroll) return;
  const wide = scroll.firstElementChild, before = +(wide.style.getPropertyValue("--zoom") || 1);
  const zoom = factor ? Math.min(Math.max(before * factor, 1), 400) : 1;
  const at = x ?? scroll.clientWidth / 2, kept = (scroll.scrollLeft + at) / before;
  wide.style.setProperty("--zoom", zoom);
  scroll.scrollLeft = kept * zoom - at;
}
main.addEventListener("wheel", (event) => {
  const scroll = event.target.closest("#timeline");
  if (!scroll || event.shiftKey || !event.deltaY) return;
  event.preventDefault();
  zoomTimeline(Math.exp(-event.deltaY / 300), event.clientX - scroll.getBoundingClientRect().left);
}, { passive: false });
main.addEventListener("pointerdown", (event) => {
  const scroll = event.target.closest("#timeline"), x = event.clientX;
  dragged = false;
  if (!scroll) return;
  const left = scroll.scrollLeft;
  const move = (next) => { dragged ||= Math.abs(next.clientX - x) > 4; scroll.scrollLeft = left - (next.clientX - x); };
  addEventListener("pointermove", move);
  addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
});

// -- light and dark ---------------------------------------------------------------------------

function remembered(value) {
  try { return value ? localStorage.setItem("lazygrad-theme", value) : localStorage.getItem("lazygrad-theme"); } catch { return null; }
}
function turn() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  remembered(theme);
  drawing?.draw();
}
document.documentElement.dataset.theme = remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

// -- the graph --------------------------------------------------------------------------------

function showGraph() {
  const section = main.querySelector('[data-section="graph"]'), canvas = section.querySelector("canvas");
  if (!canvas || !opened) return;
  const stage = +section.querySelector("input:checked").value;
  if (!drawing || drawing.stage !== stage) {
    drawing?.close();
    drawing = new Drawing(canvas, section.querySelector(".tip"), opened.drawings[stage], stage, (number) => go(`k${number}`));
  }
  drawing.choose(state.kernel);
}

byId("plan").onchange = (event) => { location.hash = `${event.target.value}/${state.view}/none`; };
byId("theme").onclick = turn;
byId("help").onclick = () => byId("keys").showModal();
main.addEventListener("change", (event) => { if (event.target.matches(".graph, input[type=radio]")) showGraph(); });
addEventListener("hashchange", show);
addEventListener("resize", () => drawing?.resize());
