// Charts in SVG, drawn for the width there is and drawn again when it changes. Each has its numbers in a table beside it.

const SERIES = 8;   // colours, dashes and marks there are

// Calls paint(width) now and at every new width.
function chart(label, paint) {
  const holder = make("div.chart", {role: "img", "aria-label": label});
  new ResizeObserver(() => {
    const width = Math.floor(holder.clientWidth);
    if (width > 0 && width !== holder.drawn) {
      holder.drawn = width;
      holder.replaceChildren(paint(width));
    }
  }).observe(holder);
  return holder;
}

const svg = (width, height, ...children) => draw("svg", {width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true"}, children);
const word = (x, y, text, attributes = {}) => draw("text", {x, y, ...attributes}, text);

function mark(series, x, y) {
  const shapes = [
    () => draw("circle", {cx: x, cy: y, r: 4}), () => draw("rect", {x: x - 3.6, y: y - 3.6, width: 7.2, height: 7.2}),
    () => draw("path", {d: `M${x} ${y - 5}l5 8.5h-10z`}), () => draw("path", {d: `M${x} ${y - 5}l5 5l-5 5l-5-5z`}),
  ];
  const shape = shapes[series % shapes.length]();
  shape.setAttribute("class", `mark s${series % SERIES}`);
  return shape;
}

// series: [{name, points: [{x: place on the axis, y, low, high}]}]; ticks: [[place, text]].
function lineChart(width, {series, ticks, title, band}) {
  const height = Math.min(300, Math.max(200, width * 0.5)), left = 40, right = 12, top = 10, bottom = 42;
  const most = Math.max(...ticks.map(([place]) => place)), least = Math.min(...ticks.map(([place]) => place)), pad = band ? 6 : 26;
  const x = (place) => left + pad + (most === least ? 0.5 : (place - least) / (most - least)) * (width - left - right - 2 * pad);
  const y = (share) => top + (1 - share) * (height - top - bottom);
  const parts = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(draw("line", {class: share ? "rule" : "axis", x1: left, x2: width - right, y1: y(share), y2: y(share)}));
    parts.push(word(left - 8, y(share) + 4, share * 100 + "%", {class: "tick", "text-anchor": "end"}));
  }
  for (const [place, text] of ticks) parts.push(word(x(place), height - bottom + 18, text, {class: "tick", "text-anchor": "middle"}));
  parts.push(word((left + width - right) / 2, height - 4, title, {class: "axis-title", "text-anchor": "middle"}));
  series.forEach(({points}, number) => {
    const shift = band ? 0 : (number - (series.length - 1) / 2) * 9;
    const at = (point) => x(point.x) + shift;
    const kind = `s${number % SERIES}`;
    if (band) parts.push(draw("path", {class: `range ${kind}`, d: "M" + [...points.map((p) => `${at(p)} ${y(p.high)}`), ...points.toReversed().map((p) => `${at(p)} ${y(p.low)}`)].join("L") + "Z"}));
    else for (const p of points) parts.push(draw("path", {class: `whisker ${kind}`, d: `M${at(p)} ${y(p.high)}V${y(p.low)}M${at(p) - 3} ${y(p.high)}h6M${at(p) - 3} ${y(p.low)}h6`}));
    parts.push(draw("path", {class: `line ${kind} ${number >= SERIES / 2 ? "dashed" : ""}`, d: "M" + points.map((p) => `${at(p)} ${y(p.y)}`).join("L")}));
    for (const p of points) parts.push(mark(number, at(p), y(p.y)));
  });
  return svg(width, height, parts);
}

// One row for each level: the band asked for as an area, the tasks as a heap where they measured.
//   rows: [{name, bands: [[low, high]], values: [{value, inside}], note}]; scale: {least, most, ticks: [[value, text]], place(value) in [0, 1]}.
function bandChart(width, {rows, scale, title}) {
  const left = 26, right = 22, each = 64, heap = 44, bottom = 40, height = rows.length * each + bottom;
  const x = (value) => left + scale.place(value) * (width - left - right);
  const bins = Math.max(24, Math.floor((width - left - right) / 7));
  const parts = [];
  for (const [value, text] of scale.ticks) {
    parts.push(draw("line", {class: "rule", x1: x(value), x2: x(value), y1: 4, y2: height - bottom}));
    const room = scale.ticks.every(([other]) => other === value || Math.abs(x(other) - x(value)) > 24 || other > value);
    if (room) parts.push(word(x(value), height - bottom + 16, text, {class: "tick", "text-anchor": "middle"}));
  }
  rows.forEach(({name, bands, values}, row) => {
    const floor = (row + 1) * each - 6;
    for (const [low, high] of bands)
      parts.push(draw("rect", {class: "asked", x: x(low), y: floor - heap - 6, width: Math.max(2, x(high) - x(low)), height: heap + 6, rx: 3}));
    const counts = new Map();
    for (const {value, inside} of values) {
      const bin = Math.min(bins - 1, Math.floor(scale.place(value) * bins));
      const count = counts.get(bin) ?? [0, 0];
      ++count[inside ? 0 : 1];
      counts.set(bin, count);
    }
    const most = Math.max(1, ...[...counts.values()].map(([a, b]) => a + b));
    const step = (width - left - right) / bins;
    for (const [bin, [inside, outside]] of counts) {
      const tall = (heap * inside) / most, out = (heap * outside) / most, at = left + bin * step;
      if (inside) parts.push(draw("rect", {class: "heap", x: at + 0.5, y: floor - tall, width: step - 1, height: Math.max(2, tall), rx: 1}));
      if (outside) parts.push(draw("rect", {class: "heap outside", x: at + 0.5, y: floor - tall - out, width: step - 1, height: Math.max(2, out), rx: 1}));
    }
    parts.push(draw("line", {class: "axis", x1: left, x2: width - right, y1: floor, y2: floor}));
    parts.push(word(4, floor - heap / 2 + 6, name, {class: "row-name"}));
  });
  parts.push(word((left + width - right) / 2, height - 4, title, {class: "axis-title", "text-anchor": "middle"}));
  return svg(width, height, parts);
}

// A list of bars: items [{name, count, kind, href}], each a share of `total`.
function bars(items, total) {
  return make("ul.bars", {}, items.map(({name, count, kind = "", href}) => {
    const bar = make(`span.bar.${kind || "plain"}`);
    bar.style.width = count ? `${Math.max(0.4, (100 * count) / total)}%` : "0";
    const text = [make("span.name", {}, inert(name)), make("span.count", {}, whole(count), make("small", {}, " " + (total ? percent(count / total) : "")))];
    return make("li", {}, href ? make("a", {href}, text, make("span.track", {}, bar)) : make("div", {}, text, make("span.track", {}, bar)));
  }));
}

// columns: [text]; rows: [[cell]], where a cell is a text or an element. Numbers to the right: all columns but the first `texts`.
function table(caption, columns, rows, texts = 1) {
  return make("div.scroll", {tabindex: "0", role: "region", "aria-label": caption}, make("table.figures", {}, make("caption.visually-hidden", {}, caption),
    make("thead", {}, make("tr", {}, columns.map((text, at) => make(at < texts ? "th" : "th.number", {scope: "col"}, text)))),
    make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, at) => make(at === 0 ? "th" : at < texts ? "td" : "td.number", at === 0 ? {scope: "row"} : {}, typeof cell === "string" ? inert(cell) : cell)))))));
}

const folded = (summary, ...children) => make("details.fold", {}, make("summary", {}, summary), children);
