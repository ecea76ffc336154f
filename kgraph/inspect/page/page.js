"use strict";
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), c => c.charCodeAt(0));
  const D = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  const $ = id => document.getElementById(id), SVG = "http://www.w3.org/2000/svg";
  const make = (tag, attributes = {}, ...children) => {
    const e = tag.includes(":") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
    for (const [k, v] of Object.entries(attributes)) k === "on" ? Object.entries(v).forEach(p => e.addEventListener(...p)) : e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  const us = s => s >= 1 ? s.toPrecision(3) + " s" : s >= 1e-3 ? (1e3 * s).toPrecision(3) + " ms" : (1e6 * s).toPrecision(3) + " us";
  const short = x => x >= 100 ? x.toFixed(0) : x.toPrecision(3);
  const percent = x => (100 * x).toFixed(x < 0.1 ? 1 : 0) + "%";
  const mb = n => n >= 1e6 ? (n / 1e6).toFixed(1) + " MB" : (n / 1e3).toFixed(1) + " KB";
  const total = D.kernels.reduce((t, k) => t + k.seconds, 0);
  $("about").textContent = `${D.step} step: ${us(total)} in ${D.kernels.length} kernels on ${D.processor}, ${D.threads} thread${D.threads > 1 ? "s" : ""}; ` +
    Object.entries(D.extents).map(p => p.join(" = ")).join(", ");
  const state = {layer: null, kernel: 0, tab: "Time", stage: D.stages.length - 1, opened: false, texts: {source: true}};

  // ---- which layer a line, a scope or a kernel belongs to
  const ids = new Set(D.graphs.flatMap(g => g.nodes.map(n => n.id)));
  const layerOf = scope => { for (let p = scope.split("/"); p.length; p.pop()) if (ids.has(p.join("/"))) return p.join("/"); return null; };
  const kept = f => { const found = new Map(); return x => { let y = found.get(x); if (y === undefined) found.set(x, y = f(x)); return y; }; };
  const layersOf = kept(line => { const at = line.lastIndexOf("  # "); return at < 0 ? [] : [...new Set(line.slice(at + 4).split(",").map(layerOf).filter(Boolean))]; });
  const belongs = (layers, layer) => layer && layers.some(x => x === layer || x.startsWith(layer + "/") || layer.startsWith(x + "/"));

  // ---- the graph
  let box = null, whole = null, nodes = [], edges = [];
  const view = $("view"), small = $("small");
  const setBox = b => { box = b; view.setAttribute("viewBox", b.join(" ")); frame(); };
  const frame = () => { const f = small.querySelector(".frame"); if (f) ["x", "y", "width", "height"].forEach((k, i) => f.setAttribute(k, box[i])); };
  function drawGraph() {
    const g = D.graphs[state.opened ? 1 : 0];
    const w = Math.max(1, ...g.nodes.map(n => n.x + n.w / 2)) + 10, h = Math.max(1, ...g.nodes.map(n => n.y + n.h / 2)) + 10;
    const arrow = make("svg:defs", {}, make("svg:marker", {id: "arrow", markerUnits: "userSpaceOnUse", markerWidth: 8, markerHeight: 8, refX: 7, refY: 4, orient: "auto"}, make("svg:path", {d: "M0,0 L8,4 L0,8 z", fill: "currentColor"})));
    edges = g.edges.map(e => Object.assign(make("svg:path", {class: "edge", d: e.d, "marker-end": "url(#arrow)"}), {ends: [e.from, e.to]}));
    nodes = g.nodes.map(n => {
      const texts = n.lines.map((t, i) => { const e = make("svg:text", {x: n.x, y: n.y - n.h / 2 + 18 * (i + 0.9), "text-anchor": "middle"}); e.textContent = t; return e; });
      const about = `${n.id}: ${n.about.class}, ${n.about.shape} ${n.about.dtype}, ${n.about.parameters.toLocaleString("en")} parameters${n.about.parameters ? n.about.trainable ? ", trainable" : ", frozen" : ""}${n.about.place ? `, called at ${n.about.place}` : ""}`;
      const e = make("svg:g", {class: "node", role: "button", "aria-label": about, on: {click: () => select(n.id), pointerenter: () => $("tip").textContent = about}},
        make("svg:rect", {x: n.x - n.w / 2, y: n.y - n.h / 2, width: n.w, height: n.h, rx: 4}), ...texts);
      return Object.assign(e, {node: n});
    });
    view.replaceChildren(arrow, ...edges, ...nodes);
    small.setAttribute("viewBox", `0 0 ${w} ${h}`);
    small.replaceChildren(...g.edges.map(e => make("svg:path", {class: "edge", d: e.d, "stroke-width": w / 200})),
      ...g.nodes.map(n => make("svg:rect", {x: n.x - n.w / 2, y: n.y - n.h / 2, width: n.w, height: n.h, fill: "var(--accent)"})),
      make("svg:rect", {class: "frame", fill: "none", stroke: "var(--text)", "stroke-width": w / 100}));
    whole = [0, 0, w, h];
    const [cw, ch] = [view.clientWidth || w, view.clientHeight || h];   // a unit is a pixel; what is narrower stands in the middle
    setBox([Math.min(0, (w - cw) / 2), 0, cw, ch]);
    mark();
  }
  const zoom = (f, x = box[0] + box[2] / 2, y = box[1] + box[3] / 2) => setBox([x - (x - box[0]) * f, y - (y - box[1]) * f, box[2] * f, box[3] * f]);
  const at = e => { const r = view.getBoundingClientRect(); return [box[0] + (e.clientX - r.left) / r.width * box[2], box[1] + (e.clientY - r.top) / r.height * box[3]]; };
  view.addEventListener("wheel", e => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.15 : 1 / 1.15, ...at(e)); }, {passive: false});
  let drag = null;
  view.addEventListener("pointerdown", e => drag = [e.clientX, e.clientY, ...box]);
  addEventListener("pointermove", e => { if (drag && e.buttons) { const r = view.getBoundingClientRect(); setBox([drag[2] - (e.clientX - drag[0]) / r.width * box[2], drag[3] - (e.clientY - drag[1]) / r.height * box[3], box[2], box[3]]); } });
  addEventListener("pointerup", () => drag = null);
  view.addEventListener("keydown", e => {
    const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key];
    const near = {n: 1, p: -1}[e.key], now = nodes.findIndex(n => n.node.id === state.layer);
    if (move) setBox([box[0] + move[0] * box[2] / 8, box[1] + move[1] * box[3] / 8, box[2], box[3]]);
    else if (near) select(nodes[(Math.max(now, near < 0 ? 0 : -1) + near + nodes.length) % nodes.length].node.id);
    else if ("+-0".includes(e.key)) steps[e.key](); else return;
    e.preventDefault();
  });
  const steps = {"+": () => zoom(1 / 1.3), "-": () => zoom(1.3), "0": () => setBox(whole)};
  $("zoom").append(...[["+", "larger"], ["-", "smaller"], ["0", "show all"]].map(([key, name]) => make("button", {title: `${name} (${key})`, "aria-label": name, on: {click: steps[key]}}, key === "0" ? "all" : key === "-" ? "−" : key)));
  small.addEventListener("click", e => { const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(small.getScreenCTM().inverse()); setBox([p.x - box[2] / 2, p.y - box[3] / 2, box[2], box[3]]); });
  let before = null;   // on paper the whole graph
  addEventListener("beforeprint", () => { before = box; setBox(whole); });
  addEventListener("afterprint", () => { if (before) setBox(before); before = null; });
  let size = null;     // in a window of another size the scale stays
  new ResizeObserver(() => {
    const now = [view.clientWidth, view.clientHeight];
    if (before || !now[0] || !now[1]) return;
    if (size && box) setBox([box[0], box[1], box[2] * now[0] / size[0], box[3] * now[1] / size[1]]);
    size = now;
  }).observe(view);

  // ---- selection
  function select(layer, kernel) {
    state.layer = layer;
    const served = D.kernels.map((k, i) => i).filter(i => belongs(D.kernels[i].layers, layer));
    state.kernel = kernel ?? served.sort((a, b) => D.kernels[b].seconds - D.kernels[a].seconds)[0] ?? state.kernel;
    $("search").value = layer || "";
    const n = nodes.find(e => e.node.id === layer)?.node;
    if (n && (n.x < box[0] || n.x > box[0] + box[2] || n.y < box[1] || n.y > box[1] + box[3])) setBox([n.x - box[2] / 2, n.y - box[3] / 2, box[2], box[3]]);
    if (n) $("tip").textContent = nodes.find(e => e.node === n).getAttribute("aria-label");
    state.tab === "Layer" ? show() : mark(true);
  }
  function mark(scroll) {
    nodes.forEach(e => e.classList.toggle("on", e.node.id === state.layer));
    edges.forEach(e => e.classList.toggle("on", e.ends.includes(state.layer)));
    let first = null;
    for (const e of $("panel").querySelectorAll("[data-on], .row")) {
      const on = Boolean(belongs(e.layers ?? layersOf(e.textContent), state.layer));
      if (on !== e.classList.contains("on")) e.classList.toggle("on", on);
      if (on && !first) first = e;
    }
    if (scroll && first) first.scrollIntoView({block: "nearest"});
  }
  const linked = (e, layers, kernel) => Object.assign(e, {layers, onclick: () => { if (layers.length || kernel !== undefined) { if (kernel !== undefined) state.kernel = kernel; select(layers[0] ?? state.layer, kernel); } }});

  // ---- the panels
  const line = (text, kind = "") => { const e = document.createElement("span"); e.className = "row " + kind; e.textContent = text; return e; };
  const lines = rows => {   // in parts, of which a browser lays out those that are seen
    const all = make("pre", {on: {click: e => { const layer = e.target.classList.contains("row") && layersOf(e.target.textContent)[0]; if (layer) select(layer); }}});
    for (let i = 0; i < rows.length; i += 60) all.append(make("div", {class: "part", style: `contain-intrinsic-height:auto ${16.2 * Math.min(60, rows.length - i)}px`}, ...rows.slice(i, i + 60)));
    return all;
  };
  const bare = kept(l => l.replace(/%\d+/g, "%").trim());
  const heading = text => Object.assign(make("h2"), {textContent: text});
  const soft = text => Object.assign(make("p", {class: "soft"}), {textContent: text});
  const panels = {
    Time() {
      const times = new Map(), kinds = new Map(), add = (m, id, at, s) => { const t = m.get(id) || [0, 0]; t[at] += s; m.set(id, t); };
      for (const k of D.kernels) for (const s of k.scopes.length ? k.scopes : ["(other)"]) {
        const id = layerOf(s) || s.split("/")[0] || "(other)", at = s.includes("/backward") ? 1 : 0, part = k.seconds / Math.max(1, k.scopes.length);
        add(times, id, at, part);
        add(kinds, about.get(id)?.class ?? "loss, metrics, update", at, part);
      }
      const sorted = m => [...m].sort((a, b) => b[1][0] + b[1][1] - a[1][0] - a[1][1]), rows = sorted(times);
      const order = D.kernels.map((k, i) => i).sort((a, b) => D.kernels[b].seconds - D.kernels[a].seconds);
      const table = some => make("table", {class: "wide"}, make("thead", {}, row("th", ["time", "of all", "GFLOP/s", "GB/s", "limit", "kernel: layers"])), make("tbody", {}, ...some.map(i => {
        const k = D.kernels[i];
        return linked(row("td", [us(k.seconds), percent(k.seconds / total), (k.flops / k.seconds / 1e9).toFixed(1), (k.bytes / k.seconds / 1e9).toFixed(1), (100 * k.share).toFixed(0) + "%", `${k.name}: ${k.scopes.join(", ")}`]), k.layers, i);
      })));
      const rest = order.length > 60 ? [make("details", {on: {toggle: e => { if (e.target.children.length < 2) { e.target.append(table(order.slice(60))); mark(); } }}}, make("summary", {}, `The other ${order.length - 60} kernels`))] : [];
      const more = rows.length > 40 ? [soft(`and ${rows.length - 40} layers more, which take less`)] : [];
      return [heading("Where time goes"), longest(rows), bars(sorted(kinds), "each kind of layer"), heading("Each layer, forward and (paler) backward"), soft("A kernel that serves several layers counts for each with an equal share. Choose a layer to see its kernels in the tab Layer."), bars(rows.slice(0, 40), "each layer", true), ...more,
        heading("Roofline: every kernel beside what the machine can do"), soft("Below the slope memory limits a kernel, below the level line arithmetic does; the larger a dot, the more time it takes."), roofline(), heading("Kernels, the longest first"), table(order.slice(0, 60)), ...rest];
    },
    Layer() {
      const k = D.kernels[state.kernel], texts = D.texts[k.name], last = D.stages[D.stages.length - 1].lines, facts = about.get(state.layer);
      let end = k.line + 1;
      while (end < last.length && last[end].startsWith("    ")) end++;
      const own = D.stages[0].lines.filter(l => belongs(layersOf(l), state.layer));
      const kernels = D.kernels.map((x, i) => [x, i]).filter(([x]) => belongs(x.layers, state.layer)).sort(([a], [b]) => b.seconds - a.seconds);
      const pick = make("select", {"aria-label": "kernel", on: {change: e => { state.kernel = +e.target.value; show(); document.querySelector("#panel select").focus(); }}}, ...(kernels.length ? kernels : [[k, state.kernel]]).map(([x, i]) => Object.assign(make("option", {value: i}), {textContent: `${x.name}: ${us(x.seconds)}, ${x.scopes.join(", ")}`, selected: i === state.kernel})));
      const op = last.slice(k.line, end), inner = op.filter(l => l.startsWith("    ") && l.includes(" = ")).map(l => l.split(" = ")[1].split("(")[0]);
      const fused = inner.length > 1 ? `${inner.length} ops are one kernel: ${[...new Set(inner)].join(", ")}.` : "Nothing else: it is one op.";
      const text = name => make("details", {...(state.texts[name] ? {open: ""} : {}), on: {toggle: e => state.texts[name] = e.target.open}}, make("summary", {}, {nest: "Its loop nest", source: "Its source", assembly: "Its assembly"}[name]), make("pre", {}, texts[name]));
      return [heading(state.layer ?? "Choose a layer: in the graph, by its name, or in the tab Time"), ...(facts ? [soft(`${facts.class}, ${facts.shape}, ${facts.parameters.toLocaleString("en")} parameters${facts.place ? `, called at ${facts.place}` : ""}`)] : []),
        ...(state.layer ? [heading(`What it says in the program as traced: ${own.length} lines`), lines(own.map(l => line(l)))] : []),
        heading(kernels.length > 1 ? `One of its ${kernels.length} kernels, the longest first` : "A kernel"), pick, soft(`${us(k.seconds)}. ${bound(k)} It serves ${k.scopes.join(", ") || "no layer"}.`),
        heading("What was fused into it"), soft(`${fused} Lines of the chosen layer are marked.`), lines(op.map(l => line(l))), ...["source", "nest", "assembly"].filter(name => texts[name]).map(text)];
    },
    Passes() {
      const s = D.stages[state.stage], before = state.stage ? D.stages[state.stage - 1].lines : s.lines;
      const count = lines => { const m = new Map(); lines.forEach(l => m.set(bare(l), (m.get(bare(l)) || 0) + 1)); return m; };
      const old = count(before), now = count(s.lines);
      const take = (m, l) => { const n = m.get(bare(l)) || 0; if (n) m.set(bare(l), n - 1); return n > 0; };
      const added = s.lines.map(l => [l, take(old, l)]), gone = before.filter(l => !take(now, l));
      const slider = make("input", {type: "range", min: 0, max: D.stages.length - 1, value: state.stage, "aria-label": "pass", "aria-valuetext": s.name, style: "width:100%", on: {input: e => { state.stage = +e.target.value; show(); document.querySelector("#panel input").focus(); }}});
      const names = make("p", {class: "stages"}, ...D.stages.map((p, i) => make("button", {"aria-pressed": i === state.stage, on: {click: () => { state.stage = i; show(); document.querySelectorAll("#panel .stages button")[i].focus(); }}}, p.name)));
      return [slider, names, heading(`${state.stage}: ${state.stage ? "after " + s.name : "as traced"}: ${s.lines.length} lines, ${state.stage ? added.filter(p => !p[1]).length : 0} new, ${gone.length} gone`),
        lines(added.map(([l, was]) => line(l, was || !state.stage ? "" : "plus"))), ...(gone.length ? [heading("Gone"), lines(gone.map(l => line(l, "minus")))] : [])];
    },
    Memory() {
      const m = D.memory, w = 640, h = 400;
      return [heading(`${mb(m.bytes)} in the plan's memory, ${mb(m.naive)} without sharing`), soft("Each rectangle is a value: from left to right the kernels of the step, from top to bottom addresses."),
        make("svg:svg", {viewBox: `0 0 ${w} ${h}`, class: "plot", role: "img", "aria-label": "memory over the step"}, ...m.values.map(v => linked(make("svg:rect", {class: "value", "data-on": "", x: v.from / m.steps * w, y: v.at / Math.max(1, m.bytes) * h, width: Math.max(1, (v.to - v.from + 1) / m.steps * w), height: Math.max(1, v.bytes / Math.max(1, m.bytes) * h)},
          Object.assign(make("svg:title"), {textContent: `${v.type} ${mb(v.bytes)}, kernels ${v.from} to ${v.to}, ${v.scope}`})), [layerOf(v.scope)].filter(Boolean))))];
    },
    Training() {
      const names = Object.keys(D.history);
      if (!names.length) return [soft("The model was not fitted in this process.")];
      return names.flatMap(name => {
        const v = D.history[name], least = Math.min(...v), most = Math.max(...v), x = i => 10 + 600 * i / Math.max(1, v.length - 1), y = u => 130 - 110 * (u - least) / (most - least || 1);
        return [heading(`${name}: ${v[v.length - 1].toPrecision(4)} after ${v.length} epochs (from ${least.toPrecision(3)} to ${most.toPrecision(3)})`),
          make("svg:svg", {viewBox: "0 0 620 140", class: "plot", role: "img", "aria-label": name}, make("svg:polyline", {class: "roof", points: v.map((u, i) => `${x(i)},${y(u)}`).join(" ")}), ...v.map((u, i) => make("svg:circle", {class: "dot", cx: x(i), cy: y(u), r: 3})))];
      });
    },
  };
  const about = new Map(D.graphs.flatMap(g => g.nodes.map(n => [n.id, n.about])));
  const bound = k => {   // why a kernel takes as long as it does
    if (!k.flops || !k.bytes) return "";
    const memory = k.flops / k.bytes < D.limits.flops / D.limits.bytes;
    return `It does ${short(k.flops / k.seconds / 1e9)} GFLOP/s and moves ${short(k.bytes / k.seconds / 1e9)} GB/s: ${(100 * k.share).toFixed(0)}% of what this machine can, where ${memory ? "memory" : "arithmetic"} is its limit (${short(k.flops / k.bytes)} operations a byte).`;
  };
  function longest(rows) {
    const [id, [f, b]] = rows[0], ks = D.kernels.filter(k => belongs(k.layers, id)).sort((x, y) => y.seconds - x.seconds);
    const kind = about.get(id) ? ` (${about.get(id).class}, ${about.get(id).shape})` : "", parts = b ? `${us(f)} forward and ${us(b)} backward` : us(f);
    return Object.assign(make("p"), {textContent: `${id}${kind} takes most: ${percent((f + b) / total)} of the step, ${parts}.` + (ks[0] ? ` Its longest kernel, for ${ks[0].scopes.join(", ")}, takes ${us(ks[0].seconds)}. ${bound(ks[0])}` : "")});
  }
  const bars = (rows, what, link) => {
    const most = rows[0][1][0] + rows[0][1][1];
    return make("table", {class: "bars", "aria-label": `time of ${what}, longest first`}, ...rows.map(([id, [f, b]]) => {
      const name = link ? make("button", {}, id) : id, part = (s, kind) => make("span", {class: "bar " + kind, style: `width:${100 * s / most}%`});
      const r = make("tr", link ? {"data-on": ""} : {}, make("th", {scope: "row", title: id}, name), make("td", {}, part(f, ""), part(b, "back")), make("td", {}, `${us(f + b)}, ${percent((f + b) / total)}`));
      return link ? linked(r, [id]) : r;
    }));
  };
  const row = (tag, cells) => make("tr", tag === "td" ? {"data-on": ""} : {}, ...cells.map(c => Object.assign(make(tag), {textContent: c})));
  function roofline() {
    const w = 640, h = 300, ks = D.kernels.filter(k => k.flops > 0 && k.bytes > 0), lx = v => Math.log10(v), L = D.limits;
    const x0 = Math.min(-2, ...ks.map(k => lx(k.flops / k.bytes))), x1 = Math.max(3, ...ks.map(k => lx(k.flops / k.bytes)));
    const y1 = lx(L.flops) + 0.3, y0 = Math.min(y1 - 5, ...ks.map(k => lx(k.flops / k.seconds)));
    const X = v => 45 + (w - 55) * (lx(v) - x0) / (x1 - x0), Y = v => 10 + (h - 40) * (y1 - lx(v)) / (y1 - y0);
    const knee = L.flops / L.bytes, texts = [[w / 2, h - 4, "operations a byte"], [X(knee), Y(L.flops) - 4, (L.flops / 1e9).toFixed(0) + " GFLOP/s"], [70, Y(10 ** x0 * L.bytes) - 8, (L.bytes / 1e9).toFixed(1) + " GB/s"]];
    const dots = ks.map(k => linked(make("svg:circle", {class: "dot", "data-on": "", cx: X(k.flops / k.bytes), cy: Y(k.flops / k.seconds), r: 3 + 14 * Math.sqrt(k.seconds / total)}, Object.assign(make("svg:title"), {textContent: `${k.name} ${us(k.seconds)}: ${k.scopes.join(", ")}`})), k.layers, D.kernels.indexOf(k)));
    return make("svg:svg", {viewBox: `0 0 ${w} ${h}`, class: "plot", role: "img", "aria-label": "roofline"}, make("svg:polyline", {class: "roof", points: `${X(10 ** x0)},${Y(10 ** x0 * L.bytes)} ${X(knee)},${Y(L.flops)} ${X(10 ** x1)},${Y(L.flops)}`}),
      ...dots, ...texts.map(([x, y, t]) => Object.assign(make("svg:text", {x, y}), {textContent: t})));
  }
  function show() {
    for (const b of tabs.children) { b.setAttribute("aria-selected", b.textContent === state.tab); b.tabIndex = b.textContent === state.tab ? 0 : -1; }
    $("panel").replaceChildren(...panels[state.tab]());
    mark();
  }
  const tabs = document.querySelector("nav"), order = Object.keys(panels);
  tabs.append(...order.map(name => Object.assign(make("button", {role: "tab", on: {click: () => { state.tab = name; show(); }}}), {textContent: name})));
  tabs.addEventListener("keydown", e => { const step = {ArrowRight: 1, ArrowLeft: -1}[e.key]; if (step) { state.tab = order[(order.indexOf(state.tab) + step + order.length) % order.length]; show(); tabs.querySelector("[aria-selected=true]").focus(); } });
  $("names").append(...[...ids].map(id => make("option", {value: id})));
  $("search").addEventListener("input", e => { const q = e.target.value.toLowerCase(), id = [...ids].find(n => n.toLowerCase() === q) ?? [...ids].find(n => q && n.toLowerCase().includes(q)); if (id) { const typed = e.target.value; select(id); e.target.value = typed; } });
  $("open").hidden = D.graphs[0].nodes.length === D.graphs[1].nodes.length;
  $("open").addEventListener("click", e => { state.opened = !state.opened; e.target.setAttribute("aria-pressed", state.opened); drawGraph(); });
  const [tab, ...layer] = decodeURIComponent(location.hash.slice(1)).split("/");   // report.html#Layer/conv_1
  if (panels[tab]) state.tab = tab;
  drawGraph();
  show();
  if (ids.has(layer.join("/"))) select(layer.join("/"));
  document.documentElement.dataset.ready = "yes";
})();
