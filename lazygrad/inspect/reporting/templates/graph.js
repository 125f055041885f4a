// A graph on a canvas: boxes at given places, lines between them.
class Drawing {
  constructor(canvas, tip, graph, stage, open) {
    Object.assign(this, { canvas, tip, graph, stage, open, chosen: new Set(), at: -1, scale: 1, x: 0, y: 0 });
    this.count = graph.label.length;
    this.out = Array.from({ length: this.count }, () => []);
    for (let i = 0; i < graph.edges.length; i += 2) { this.out[graph.edges[i]].push(i); this.out[graph.edges[i + 1]].push(i); }
    this.stop = new AbortController();
    const listen = (kind, act) => canvas.addEventListener(kind, act, { signal: this.stop.signal, passive: false });
    listen("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY); });
    listen("pointerdown", (event) => this.drag(event));
    listen("pointermove", (event) => this.hover(event));
    listen("pointerleave", () => { tip.hidden = true; });
    this.resize();
    this.fit();
    if (this.scale < 0.3) this.see(this.top(), 0.6, 0.06);
  }

  // The highest of those boxes that others read.
  top() {
    const { at } = this.graph, read = this.out.map((lines, i) => (lines.length ? i : -1)).filter((i) => i >= 0);
    return read.reduce((best, i) => (at[2 * i + 1] < at[2 * best + 1] ? i : best), read[0] ?? 0);
  }

  close() { this.stop.abort(); this.tip.hidden = true; }

  resize() {
    const box = this.canvas.getBoundingClientRect(), ratio = devicePixelRatio || 1;
    Object.assign(this, { width: box.width, height: box.height, ratio });
    Object.assign(this.canvas, { width: box.width * ratio, height: box.height * ratio });
    this.draw();
  }

  place(i) { return [this.graph.at[2 * i] * this.scale + this.x, this.graph.at[2 * i + 1] * this.scale + this.y]; }

  // All of it.
  fit() {
    const xs = this.graph.at.filter((_, i) => i % 2 === 0), ys = this.graph.at.filter((_, i) => i % 2);
    const low = (values) => values.reduce((a, b) => Math.min(a, b), Infinity), high = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
    const [left, top, right, bottom] = this.count ? [low(xs), low(ys), high(xs), high(ys)] : [0, 0, 1, 1];
    this.scale = Math.min(1, this.width / (right - left + 160), this.height / (bottom - top + 60));
    this.x = (this.width - (right - left) * this.scale) / 2 - left * this.scale;
    this.y = (this.height - (bottom - top) * this.scale) / 2 - top * this.scale;
    this.draw();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 0.003), 3), by = scale / this.scale;
    Object.assign(this, { scale, x: x - (x - this.x) * by, y: y - (y - this.y) * by });
    this.draw();
  }

  // Boxes of a kernel are marked; the last, which is written, is brought into view.
  choose(kernel) {
    this.chosen = new Set();
    if (kernel !== null) this.graph.kernels.forEach((numbers, i) => { if (numbers.includes(kernel)) this.chosen.add(i); });
    const first = [...this.chosen].pop();
    if (first !== undefined) {
      const [x, y] = this.place(first);
      const outside = x < 0 || y < 0 || x > this.width || y > this.height;
      if (this.scale < 0.5 || outside) {
        this.see(first, Math.max(this.scale, 0.7));
      }
    }
    this.draw();
  }

  // Brings a box into the middle, or as far down.
  see(i, scale, down = 0.5) {
    Object.assign(this, { scale, x: this.width / 2 - this.graph.at[2 * i] * scale, y: this.height * down - this.graph.at[2 * i + 1] * scale });
    this.draw();
  }

  drag(event) {
    const { offsetX, offsetY, clientX, clientY } = event, { x, y } = this;
    let moved = false;
    const move = (next) => {
      moved ||= Math.hypot(next.clientX - clientX, next.clientY - clientY) > 4;
      Object.assign(this, { x: x + next.clientX - clientX, y: y + next.clientY - clientY });
      this.draw();
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => {
      removeEventListener("pointermove", move);
      if (!moved) this.click(this.under(offsetX, offsetY));
    }, { once: true });
  }

  click(i) {
    if (i < 0) return;
    this.at = i;
    const [kernel] = this.graph.kernels[i];
    if (kernel !== undefined) this.open(kernel);
    this.draw();
  }

  under(x, y) {
    const half = [68 * this.scale, 15 * this.scale].map((size) => Math.max(size, 3));
    for (let i = 0; i < this.count; i++) {
      const [bx, by] = this.place(i);
      if (Math.abs(x - bx) < half[0] && Math.abs(y - by) < half[1]) return i;
    }
    return -1;
  }

  hover(event) {
    const i = this.under(event.offsetX, event.offsetY), { tip, graph } = this;
    tip.hidden = i < 0;
    if (i < 0) return;
    const kernels = graph.kernels[i].length ? `kernel ${graph.kernels[i].join(", ")}` : "";
    tip.textContent = [graph.label[i], graph.about[i], graph.line[i], kernels, graph.compared[i]].filter(Boolean).join(" · ");
    tip.style.left = `${Math.min(event.offsetX + 14, this.width - 240)}px`;
    tip.style.top = `${event.offsetY + 14}px`;
  }

  draw() {
    const pen = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const phases = [0, 1, 2, 3].map((i) => colour(`p${i}`));
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    this.lines(pen, colour);
    const large = this.scale > 0.45, width = Math.max(136 * this.scale, 2), height = Math.max(30 * this.scale, 2);
    pen.font = `${11 * this.scale}px system-ui, "DejaVu Sans", sans-serif`;
    pen.textBaseline = "middle";
    pen.textAlign = "center";
    for (let i = 0; i < this.count; i++) {
      const [x, y] = this.place(i);
      if (x < -width || y < -height || x > this.width + width || y > this.height + height) continue;
      const phase = this.graph.phase[i], marked = this.chosen.has(i) || i === this.at;
      pen.fillStyle = phase < 0 ? colour("panel") : phases[phase];
      pen.globalAlpha = phase < 0 || marked || !this.chosen.size ? 1 : 0.55;
      pen.fillRect(x - width / 2, y - height / 2, width, height);
      pen.strokeStyle = marked ? colour("text") : colour("edge");
      pen.lineWidth = marked ? 2.5 : 1;
      if (large || marked) pen.strokeRect(x - width / 2, y - height / 2, width, height);
      pen.globalAlpha = 1;
      if (!large) continue;
      pen.fillStyle = phase < 0 ? colour("text") : colour("on");
      pen.fillText(this.short(this.graph.label[i]), x, y - 6 * this.scale);
      pen.globalAlpha = 0.8;
      pen.fillText(this.short(this.graph.about[i]), x, y + 7 * this.scale);
      pen.globalAlpha = 1;
    }
  }

  short(text) { return text.length > 20 ? `${text.slice(0, 19)}…` : text; }

  lines(pen, colour) {
    const { edges, at } = this.graph, long = 14 * 44;
    const path = (i) => {
      const [ax, ay] = this.place(edges[i]), [bx, by] = this.place(edges[i + 1]), bend = (by - ay) / 2;
      if (Math.max(ay, by) < 0 || Math.min(ay, by) > this.height) return;
      pen.moveTo(ax, ay + 15 * this.scale);
      pen.bezierCurveTo(ax, ay + bend, bx, by - bend, bx, by - 15 * this.scale);
    };
    const stroke = (name, alpha, width, wanted) => {
      pen.strokeStyle = colour(name); pen.globalAlpha = alpha; pen.lineWidth = width;
      pen.beginPath();
      wanted(path);
      pen.stroke();
    };
    const far = (i) => Math.abs(at[2 * edges[i + 1] + 1] - at[2 * edges[i] + 1]) > long;
    const every = (test) => (draw) => { for (let i = 0; i < edges.length; i += 2) if (test(i)) draw(i); };
    stroke("dim", 0.12, 1, every(far));
    stroke("dim", 0.8, Math.max(this.scale, 0.4), every((i) => !far(i)));
    const near = [...this.chosen, ...(this.at < 0 ? [] : [this.at])];
    stroke("text", 1, 2, (draw) => { for (const i of near) this.out[i].forEach(draw); });
    pen.globalAlpha = 1;
  }
}

show();
