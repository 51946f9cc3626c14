"use strict";
// Shows a story: a drawing, and which of its texts are known at which step. All texts come from the story, and get into
// the page as text. No number is computed here but places in the drawing.
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const { pieces, moments } = story;
  const find = (selector) => document.querySelector(selector);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // ── what follows from the story ──────────────────────────────────────────────────────────────────────────────────

  const computedAt = new Map(); // the step at which a result gets its value, and the one at which it hands on
  const sweptAt = new Map();
  moments.forEach((moment, step) => {
    if (moment.phase === "forward") computedAt.set(moment.piece, step);
    if (moment.phase === "backward") sweptAt.set(moment.piece, step);
  });
  const seedAt = moments.findIndex((moment) => moment.phase === "seed");
  const last = moments.length - 1;

  const consumers = pieces.map(() => []);
  pieces.forEach((piece, i) => {
    for (const { operand } of piece.arrows) if (!consumers[operand].includes(i)) consumers[operand].push(i);
  });

  const key = (path) => JSON.stringify(path);
  const scopes = new Map(); // by key: its path, and the pieces in it, with those in scopes within
  pieces.forEach((piece, i) => {
    for (let depth = 1; depth <= piece.scope.length; depth++) {
      const path = piece.scope.slice(0, depth);
      if (!scopes.has(key(path))) scopes.set(key(path), { path, members: [] });
      scopes.get(key(path)).members.push(i);
    }
  });
  const names = [...scopes.keys()];
  const placesOf = (scope) => scope.path.map((_, depth) => names.indexOf(key(scope.path.slice(0, depth + 1))));
  const inOrder = (a, b) => {
    const [one, other] = [placesOf(a), placesOf(b)];
    const differs = one.findIndex((place, depth) => place !== other[depth]);
    return differs < 0 ? -1 : one[differs] - (other[differs] ?? -1);
  };
  const rows = (scope) => scope.members.filter((i) => pieces[i].kind !== "constant").length;
  const rowsOf = (scope) => (rows(scope) === 1 ? "1 row" : `${rows(scope)} rows`);

  /** The gradients that are known at each step: by piece, text and whether it is complete. */
  const gradients = [];
  moments.forEach((moment, step) => {
    const known = new Map(step ? gradients[step - 1] : []);
    for (const gradient of moment.gradients) known.set(gradient.piece, gradient);
    gradients.push(known);
  });

  function gradientOf(i, step) {
    if (pieces[i].kind === "constant") return { text: "", complete: true };
    const known = gradients[step].get(i);
    return known ?? { text: step === last ? "not reached" : "not yet", complete: true, none: true };
  }

  const isKnown = (i, step) => pieces[i].kind !== "result" || computedAt.get(i) <= step;

  // ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────

  let step = 0;
  let selected = null; // the number of a piece, or the key of a scope
  let timer = null;
  let zoom = "legible"; // or "all", however small that is, or a number
  const folded = new Set();

  // ── elements ─────────────────────────────────────────────────────────────────────────────────────────────────────

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) {
      if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
      else made.setAttribute(attribute, value);
    }
    made.append(...children);
    return made;
  }

  function shape(name, attributes = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
    made.append(...children);
    return made;
  }

  // ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The outermost folded scope that a piece is in, by its key; undefined if it is to be seen itself. */
  function hiddenIn(i) {
    const { scope } = pieces[i];
    for (let depth = 1; depth <= scope.length; depth++) {
      const name = key(scope.slice(0, depth));
      if (folded.has(name)) return name;
    }
    return undefined;
  }

  const middle = ([left, top, width, height]) => [left + width / 2, top + height / 2];
  const apart = (a, b, gap) =>
    a[0] + a[2] + gap <= b[0] || b[0] + b[2] + gap <= a[0] || a[1] + a[3] + gap <= b[1] || b[1] + b[3] + gap <= a[1];
  const around = (boxes) => {
    const left = Math.min(...boxes.map((b) => b[0]));
    const top = Math.min(...boxes.map((b) => b[1]));
    const right = Math.max(...boxes.map((b) => b[0] + b[2]));
    const bottom = Math.max(...boxes.map((b) => b[1] + b[3]));
    return [left, top, right - left, bottom - top];
  };
  const boxesOf = (i) => (pieces[i].ellipse ? [pieces[i].box, pieces[i].ellipse] : [pieces[i].box]);

  /** The box that stands for a folded scope: where one of its own was that has room, and the edges go to the right. */
  function boxFor(scope, others) {
    const [x, y] = middle(around(scope.members.flatMap(boxesOf)));
    const width = Math.max(96, 7 * (nameOf(scope.path).length + 2) + 12);
    const places = scope.members
      .filter((i) => pieces[i].kind !== "constant")
      .map((i) => middle(pieces[i].box))
      .map(([cx, cy]) => [cx - width / 2, cy - 18, width, 36]);
    const mine = new Set(scope.members);
    const before = scope.members.flatMap((i) => pieces[i].arrows.map((arrow) => arrow.operand)).filter((i) => !mine.has(i));
    const after = scope.members.flatMap((i) => consumers[i]).filter((i) => !mine.has(i));
    const cost = (box) =>
      Math.hypot(box[0] + width / 2 - x, box[1] + 18 - y) +
      1e3 * before.filter((i) => pieces[i].box[0] + pieces[i].box[2] > box[0]).length + // edges go to the right
      1e3 * after.filter((i) => pieces[i].ellipse[0] < box[0] + width).length +
      1e6 * others.filter((other) => !apart(box, other, 10)).length;
    return places.reduce((best, box) => (cost(box) < cost(best) ? box : best));
  }

  const shortened = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);
  const nameOf = (path) => shortened(path.at(-1), 24);

  /** Where folding left wide gaps, they close: a map of one axis that is monotone, and rigid where something stands. */
  function squeezed(intervals, end, gap) {
    const taken = [];
    for (const [from, to] of intervals.sort((a, b) => a[0] - b[0])) {
      if (taken.length && from <= taken.at(-1)[1]) taken.at(-1)[1] = Math.max(taken.at(-1)[1], to);
      else taken.push([from, to]);
    }
    const knots = []; // [old, new]
    let at = taken.length ? Math.min(taken[0][0], 22) : 0;
    let before = null;
    for (const [from, to] of taken) {
      if (before !== null) at += Math.min(from - before, gap);
      knots.push([from, at]);
      at += to - from;
      knots.push([to, at]);
      before = to;
    }
    const map = (x) => {
      if (x <= knots[0][0]) return knots[0][1] + (x - knots[0][0]);
      for (let k = 1; k < knots.length; k++) {
        const [x0, y0] = knots[k - 1];
        const [x1, y1] = knots[k];
        if (x <= x1) return x1 === x0 ? y1 : y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
      }
      return knots.at(-1)[1] + (x - knots.at(-1)[0]);
    };
    return { map, end: taken.length ? at + Math.min(end - before, 22) : end };
  }

  // ── the drawing ──────────────────────────────────────────────────────────────────────────────────────────────────

  const view = find("#view");
  let drawing = null; // what is to be changed from step to step

  const curve = (points) =>
    `M${points[0]},${points[1]}` +
    points.slice(2).reduce((text, x, k) => text + (k % 6 === 0 ? "C" : k % 2 ? "," : " ") + x.toFixed(1), "");

  /** Draw everything anew, as it is folded. */
  function draw() {
    const seen = pieces.map((_, i) => hiddenIn(i) === undefined);
    const others = pieces.flatMap((_, i) => (seen[i] ? boxesOf(i) : []));
    const folds = new Map();
    for (const name of folded) {
      const scope = scopes.get(name);
      if (scope.path.some((_, depth) => depth && folded.has(key(scope.path.slice(0, depth))))) continue;
      const box = boxFor(scope, others);
      folds.set(name, box);
      others.push(box);
    }

    const labels = pieces.flatMap((piece, i) =>
      piece.arrows.filter((arrow) => seen[i] && seen[arrow.operand] && arrow.line.label).map((arrow) => {
        const width = arrow.derivative.length * 6.2;
        return [arrow.line.label[0] - width / 2, arrow.line.label[1] - 9, width, 11];
      }),
    );
    const stand = [...others.map(([x, y, w, h]) => [x - 16, y - 4, w + 32, h + 8]), ...labels];
    const plain = { map: (x) => x };
    const across = folds.size ? squeezed(stand.map((b) => [b[0], b[0] + b[2]]), story.width, 64) : { ...plain, end: story.width };
    const down = folds.size ? squeezed(stand.map((b) => [b[1], b[1] + b[3]]), story.height, 26) : { ...plain, end: story.height };
    const moved = ([x, y, w, h]) => [across.map(x + w / 2) - w / 2, down.map(y + h / 2) - h / 2, w, h];
    const along = (points) => points.map((x, k) => (k % 2 ? down.map(x) : across.map(x)));

    const svg = shape("svg", { viewBox: `0 0 ${across.end} ${down.end}`, role: "group", "aria-label": `Graph of ${story.title}: ${summary()}` });
    const regions = shape("g", { class: "regions" });
    const edges = shape("g", { class: "edges", "aria-hidden": "true" });
    const nodes = shape("g", { class: "nodes" });
    drawing = { svg, width: across.end, height: down.end, nodes: new Map(), arrows: new Map(), folds: new Map() };

    const placeOf = (i) => (seen[i] ? moved(pieces[i].box) : moved(folds.get(hiddenIn(i))));
    const standing = others.map(moved);
    const joined = new Map();
    pieces.forEach((piece, i) => {
      if (seen[i] && piece.stem) edges.append(shape("path", { d: curve(along(piece.stem.curve)), class: "stem" }));
      piece.arrows.forEach((arrow, place) => {
        const from = hiddenIn(arrow.operand);
        const to = hiddenIn(i);
        if (from !== undefined && from === to) return;
        let group;
        if (from === undefined && to === undefined) {
          group = arrowShape(arrow, along(arrow.line.curve), along(arrow.line.arrow));
          if (arrow.line.label) {
            const [x, y] = along(arrow.line.label);
            group.append(shape("text", { x, y }, arrow.derivative));
          }
        } else {
          const ends = `${from ?? arrow.operand} ${to ?? `${i} ${place}`}`;
          group = joined.get(ends);
          if (!group) {
            const [x, y, w, h] = placeOf(arrow.operand);
            const start = [x + w, y + h / 2];
            const goal = to === undefined ? moved(piece.ellipse) : moved(folds.get(to));
            const end =
              to === undefined
                ? [goal[0] + 2, goal[1] + (goal[3] * (place + 1)) / (piece.arrows.length + 1)]
                : [goal[0], Math.max(goal[1] + 5, Math.min(goal[1] + goal[3] - 5, goal[1] + goal[3] / 2 + (start[1] - goal[1]) / 9))];
            const points = detour(start, [end[0] - 7, end[1]], standing);
            const [x1, y1] = end;
            group = arrowShape(arrow, points, [x1 - 7, y1 - 2.5, x1, y1, x1 - 7, y1 + 2.5]);
            group.classList.add("joined");
            joined.set(ends, group);
          }
        }
        if (!group.parentNode) edges.append(group);
        drawing.arrows.set(`${i} ${place}`, group);
      });
    });

    pieces.forEach((piece, i) => {
      if (seen[i]) nodes.append(nodeShape(piece, i, moved(piece.box), piece.ellipse && moved(piece.ellipse)));
    });
    for (const [name, box] of folds) nodes.append(foldShape(name, moved(box)));
    if (scopes.size <= 60) {
      const taken = labels.map(([x, y, w, h]) => [across.map(x + w / 2) - w / 2, down.map(y + 9) - 9, w, h]);
      for (const [name, scope] of scopes) drawRegion(name, scope, seen, moved, regions, taken);
    }
    svg.append(regions, edges, nodes);
    view.replaceChildren(svg);
    applyZoom();
  }

  /** A curve from one point to another that runs behind as few boxes as can be. */
  function detour([x0, y0], [x1, y1], boxes) {
    const bend = Math.max(24, Math.abs(x1 - x0) * 0.4);
    let best = null;
    for (const aside of [0, 30, -30, 60, -60, 100, -100, 150, -150]) {
      const points = [x0, y0, x0 + bend, y0 + aside, x1 - bend, y1 + aside, x1, y1];
      let hits = 0;
      for (let t = 0.04; t < 0.97; t += 0.04) {
        const s = 1 - t;
        const on = (k) => s * s * s * points[k] + 3 * s * s * t * points[k + 2] + 3 * s * t * t * points[k + 4] + t * t * t * points[k + 6];
        const dot = [on(0) - 2, on(1) - 2, 4, 4];
        if (boxes.some((box) => !apart(box, dot, 0))) hits += 1;
      }
      if (!best || hits < best.hits) best = { hits, points };
      if (!hits) break;
    }
    return best.points;
  }

  function arrowShape(arrow, points, corners) {
    const pairs = [];
    for (let k = 0; k < corners.length; k += 2) pairs.push(`${corners[k].toFixed(1)},${corners[k + 1].toFixed(1)}`);
    return shape(
      "g",
      { class: arrow.flows ? "arrow" : "arrow stopped" },
      shape("path", { d: curve(points) }),
      shape("polygon", { points: pairs.join(" ") }),
    );
  }

  function button(group, name, act) {
    group.setAttribute("role", "button");
    group.setAttribute("tabindex", "0");
    group.addEventListener("click", (event) => {
      event.stopPropagation();
      act();
    });
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    if (name) group.setAttribute("aria-label", name);
    return group;
  }

  function nodeShape(piece, i, box, ellipse) {
    const [x, y, w, h] = box;
    const group = button(shape("g", { class: `node ${piece.kind}`, id: `n${i}` }), "", () => select(i));
    if (ellipse) {
      const [cx, cy] = middle(ellipse);
      group.append(
        shape("ellipse", { cx, cy, rx: ellipse[2] / 2, ry: ellipse[3] / 2 }),
        shape("text", { x: cx, y: cy + 4, class: "symbol" }, piece.symbol),
      );
    }
    const round = piece.kind === "input" ? Math.min(10, h / 3) : 2;
    const value = shape("text", { x: x + w / 2, y: piece.kind === "constant" ? y + h / 2 + 4 : y + h / 2 - 3 });
    group.append(
      shape("rect", { x: x - 4, y: y - 4, width: w + 8, height: h + 8, rx: round + 4, class: "ring" }),
      shape("rect", { x, y, width: w, height: h, rx: round, class: i === story.root ? "box root" : "box" }),
      value,
    );
    const gradient = shape("text", { x: x + w / 2, y: y + h / 2 + 10, class: "gradient" });
    if (piece.kind !== "constant") group.append(gradient);
    drawing.nodes.set(i, { group, value, gradient, boxes: ellipse ? [box, ellipse] : [box] });
    return group;
  }

  function foldShape(name, box) {
    const scope = scopes.get(name);
    const [x, y, w, h] = box;
    const said = `scope ${scope.path.join(" / ")}, folded, ${rowsOf(scope)}: unfold it`;
    const group = button(shape("g", { class: "node fold" }), said, () => fold(name, false));
    group.setAttribute("aria-expanded", "false");
    group.append(
      shape("rect", { x: x - 4, y: y - 4, width: w + 8, height: h + 8, rx: 8, class: "ring" }),
      shape("rect", { x: x + 3, y: y + 3, width: w, height: h, rx: 4, class: "box behind" }),
      shape("rect", { x, y, width: w, height: h, rx: 4, class: "box" }),
      shape("text", { x: x + w / 2, y: y + h / 2 - 3, class: "name" }, `▸ ${nameOf(scope.path)}`),
      shape("text", { x: x + w / 2, y: y + h / 2 + 10, class: "count" }, rowsOf(scope)),
    );
    drawing.folds.set(name, { group, boxes: [box] });
    return group;
  }

  /** The ground that a scope stands on, if it has that for itself. Its name folds it. */
  function drawRegion(name, scope, seen, moved, regions, taken) {
    if (scope.members.some((i) => !seen[i]) || rows(scope) < 2) return;
    const inner = around(scope.members.flatMap(boxesOf).map(moved));
    const deeper = Math.max(...scope.members.map((i) => pieces[i].scope.length)) - scope.path.length;
    const pad = 7 + 5 * Math.min(deeper, 2);
    const box = [inner[0] - pad, inner[1] - pad, inner[2] + 2 * pad, inner[3] + 2 * pad];
    const mine = new Set(scope.members);
    if (pieces.some((_, i) => !mine.has(i) && seen[i] && boxesOf(i).map(moved).some((b) => !apart(b, box, 0)))) return;
    const [x, y, width, height] = box;
    const title = `▾ ${nameOf(scope.path)}`;
    const group = shape("g", { class: "region" }, shape("rect", { x, y, width, height, rx: 8 }));
    const handle = button(shape("g", { class: "handle" }), `fold the scope ${scope.path.join(" / ")}`, () => fold(name, true));
    handle.setAttribute("aria-expanded", "true");
    const place = [x, y - 14, title.length * 6.2 + 8, 15];
    for (let label; (label = taken.find((other) => !apart(place, other, 1))); ) place[0] = label[0] + label[2] + 2;
    taken.push(place);
    handle.append(
      shape("rect", { x: place[0], y: y - 14, width: place[2], height: 15, class: "hit" }),
      shape("text", { x: place[0] + 4, y: y - 3 }, title),
    );
    group.append(handle);
    regions.append(group);
  }

  function summary() {
    const count = (kind) => pieces.filter((piece) => piece.kind === kind).length;
    const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
    return `${counted(count("input"), "input")}, ${counted(count("result"), "operation")}`;
  }

  // ── a step ───────────────────────────────────────────────────────────────────────────────────────────────────────

  const scrub = find("#scrub");
  const phases = { start: "Start", forward: "Forward", seed: "Backward", backward: "Backward", end: "End" };
  const seenAs = (i) => drawing.nodes.get(i) ?? drawing.folds.get(hiddenIn(i));

  /** Show a step; only classes and texts change. */
  function show() {
    const moment = moments[step];
    const backward = step >= seedAt;
    document.body.dataset.phase = moment.phase;
    document.body.dataset.direction = backward ? "backward" : "forward";

    for (const [i, { group, value, gradient }] of drawing.nodes) {
      const piece = pieces[i];
      const known = isKnown(i, step);
      const grad = gradientOf(i, step);
      value.textContent = known ? piece.text : piece.before;
      gradient.textContent = `grad ${grad.text}`;
      gradient.setAttribute("class", `gradient ${grad.none ? "none" : grad.complete ? "" : "partial"}`);
      group.classList.toggle("unknown", !known);
      const spoken = piece.kind === "constant" ? `constant ${piece.text}` : `${value.textContent}, ${gradient.textContent}`;
      group.setAttribute("aria-label", piece.operation ? `${spoken}, from ${piece.operation}` : spoken);
      group.setAttribute("aria-pressed", String(selected === i));
    }
    for (const { group } of [...drawing.nodes.values(), ...drawing.folds.values()]) {
      group.classList.remove("active", "touched", "selected");
      group.removeAttribute("aria-current");
    }
    for (const [name, group] of drawing.arrows) {
      group.classList.remove("active");
      group.classList.toggle("unknown", !isKnown(Number(name.split(" ")[0]), step));
    }

    const active = moment.piece;
    if (active !== null) {
      const shown = seenAs(active);
      const touched = moment.phase === "seed" ? [] : pieces[active].arrows;
      touched.forEach((arrow, place) => {
        if (moment.phase === "backward" && (!arrow.flows || pieces[arrow.operand].kind === "constant")) return;
        drawing.arrows.get(`${active} ${place}`)?.classList.add("active");
        seenAs(arrow.operand).group.classList.add("touched");
      });
      shown.group.classList.remove("touched");
      shown.group.classList.add("active");
      shown.group.setAttribute("aria-current", "step");
    }
    if (selected !== null) (drawing.nodes.get(selected) ?? drawing.folds.get(selected))?.group.classList.add("selected");

    scrub.max = last;
    scrub.value = step;
    scrub.setAttribute("aria-valuetext", `step ${step} of ${last}, ${phases[moment.phase]}: ${moment.heading}`);
    find("#phase").textContent = `${phases[moment.phase]} · step ${step} of ${last}`;
    find("#sentence").replaceChildren(
      element("h2", {}, moment.heading),
      ...moment.sentences.map((sentence) => element("p", {}, sentence)),
    );
    for (const control of document.querySelectorAll("[data-go]")) {
      const edge = control.dataset.go === "first" || control.dataset.go === "back" ? 0 : last;
      control.setAttribute("aria-disabled", String(step === edge));
    }
    follow(active);
    showPanel();
  }

  function goTo(wanted) {
    step = Math.max(0, Math.min(last, wanted));
    show();
  }

  /** Bring into view what has its turn, with its operands, if it is not there. */
  function follow(active) {
    if (active === null) {
      const given = pieces.flatMap((piece, i) => (piece.kind === "input" ? seenAs(i).boxes : []));
      if (given.length) reveal(given, given.slice(0, 1));
      return;
    }
    const boxes = [active, ...pieces[active].arrows.map((arrow) => arrow.operand)].flatMap((i) => seenAs(i).boxes);
    reveal(boxes, seenAs(active).boxes);
  }

  function reveal(boxes, least) {
    const scale = view.firstChild.getBoundingClientRect().width / drawing.width;
    const room = [view.clientWidth / scale, view.clientHeight / scale];
    const all = around(boxes);
    const [x, y, w, h] = all[2] <= room[0] && all[3] <= room[1] ? all : around(least);
    const left = view.scrollLeft / scale;
    const top = view.scrollTop / scale;
    const margin = 12;
    const inside = x - margin >= left && x + w + margin <= left + room[0] && y - margin >= top && y + h + margin <= top + room[1];
    if (inside) return;
    view.scrollTo({
      left: (x + w / 2 - room[0] / 2) * scale,
      top: (y + h / 2 - room[1] / 2) * scale,
      behavior: calm.matches ? "auto" : "smooth",
    });
  }

  // ── zoom ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  const legible = 1; // so texts have 11 pixels
  function currentZoom() {
    if (typeof zoom === "number") return zoom;
    const all = Math.min((view.clientWidth - 2) / drawing.width, (view.clientHeight - 2) / drawing.height);
    return Math.min(1.6, zoom === "all" ? all : Math.max(legible, all));
  }

  function applyZoom() {
    const scale = currentZoom();
    drawing.svg.setAttribute("width", drawing.width * scale);
    drawing.svg.setAttribute("height", drawing.height * scale);
  }

  function zoomBy(how) {
    const now = currentZoom();
    if (how === "fit") zoom = zoom === "all" ? "legible" : "all";
    else zoom = Math.max(0.2, Math.min(4, how === "in" ? now * 1.25 : now / 1.25));
    applyZoom();
    follow(moments[step].piece);
  }

  // ── playing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  const playButton = find("#play");

  function play(on) {
    clearInterval(timer);
    timer = null;
    if (on) {
      if (step === last) goTo(0);
      timer = setInterval(() => {
        goTo(step + 1);
        if (step === last) play(false);
      }, Number(find("#seconds").value) * 1000);
    }
    playButton.textContent = on ? "Pause" : "Play";
    find("#sentence").setAttribute("aria-live", on ? "off" : "polite"); // else it would never stop talking
  }

  const go = { first: () => goTo(0), back: () => goTo(step - 1), on: () => goTo(step + 1), last: () => goTo(last) };

  function walk(how) {
    play(false);
    go[how]();
  }

  // ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────

  function select(what, focus = false) {
    selected = what;
    show();
    if (what === null) return;
    const shown = drawing.nodes.get(what) ?? drawing.folds.get(what);
    if (shown) reveal(shown.boxes, shown.boxes);
    if (focus) shown?.group.focus({ preventScroll: true });
    find("#panel .head").scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  }

  function unfoldTo(i) {
    const { scope } = pieces[i];
    const before = folded.size;
    for (let depth = 1; depth <= scope.length; depth++) folded.delete(key(scope.slice(0, depth)));
    if (folded.size !== before) refold();
  }

  function choose(i) {
    unfoldTo(i);
    select(i, true);
  }

  const titled = (i) => (pieces[i].kind === "constant" ? `constant ${pieces[i].name}` : pieces[i].name);
  const link = (text, act, said) => element("button", { type: "button", class: "link", onclick: act, ...(said && { "aria-label": said }) }, text);

  function listed(heading, items) {
    return items.length ? [element("h3", {}, heading), element("ul", {}, ...items.map((item) => element("li", {}, ...[item].flat())))] : [];
  }

  function showPanel() {
    const chosen = typeof selected === "number";
    const i = chosen ? selected : (moments[step].piece ?? null);
    const title = element("h2", { id: "panel-title" });
    if (i === null) {
      title.textContent = "Nodes";
      find("#panel").replaceChildren(title, element("p", { class: "hint" }, "Choose a node of the drawing to see its rule, its value and all that is added to its gradient."));
      return;
    }
    const piece = pieces[i];
    const known = isKnown(i, step);
    const grad = gradientOf(i, step);
    title.append(titled(i));
    const facts = [];
    const fact = (name, ...told) => facts.push(element("dt", {}, name), element("dd", {}, ...told));
    if (piece.label && piece.label !== piece.name) fact("label", piece.label);
    fact("kind", { input: "input", constant: "constant", result: `result of ${piece.rule}` }[piece.kind]);
    if (piece.operation) fact("rule", piece.operation);
    fact("value", known ? piece.value : "not yet");
    if (piece.computed && known) fact("computed", piece.computed);
    if (piece.kind !== "constant") fact("gradient", (grad.exact ?? grad.text) + (grad.complete ? "" : ", so far"));
    if (piece.scope.length) {
      const name = hiddenIn(i) ?? key(piece.scope);
      const act = folded.has(name) ? "unfold" : "fold";
      const said = `${act} the scope ${scopes.get(name).path.join(" / ")}`;
      fact("folds into", piece.scope.join(" / "), " ", link(act, () => fold(name, act === "fold"), said));
    }
    if (piece.line) fact("recorded at", piece.line);

    const laws = piece.arrows.filter((arrow) => arrow.law).map((arrow) => arrow.law);
    const operands = [...new Set(piece.arrows.map((arrow) => arrow.operand))];
    const told = piece.shares.filter(({ consumer }) => (consumer === i ? step >= seedAt : sweptAt.get(consumer) <= step));
    const more = piece.shares.length - told.length;
    const shares = told.map(({ consumer, text }) => (consumer === i ? [text] : [link(`from ${pieces[consumer].name}`, () => choose(consumer)), ` ${text}`]));
    if (more) shares.push([element("span", { class: "none" }, `${more} still to come`)]);
    const jumps = [];
    if (computedAt.has(i)) jumps.push(link("computed", () => { play(false); goTo(computedAt.get(i)); }, `go to the step that computes ${piece.name}`));
    if (sweptAt.has(i)) jumps.push(link("hands on", () => { play(false); goTo(sweptAt.get(i)); }, `go to the step at which ${piece.name} hands on its gradient`));

    find("#panel").replaceChildren(
      element("div", { class: "row head" }, title,
        chosen ? element("button", { type: "button", onclick: () => select(null), "aria-label": "Let go of this node" }, "×") : element("span", { class: "none" }, "this step")),
      element("dl", {}, ...facts),
      ...listed("local derivatives", known ? laws : []),
      ...listed("contributions to its gradient", shares),
      ...listed("operands", operands.map((k) => link(titled(k), () => choose(k)))),
      ...listed("consumers", consumers[i].map((k) => link(`${pieces[k].name} = ${pieces[k].operation}`, () => choose(k)))),
      ...listed("steps", jumps),
    );
  }

  // ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  function refold() {
    draw();
    showScopes();
    show();
  }

  function fold(name, on) {
    if (on) folded.add(name);
    else folded.delete(name);
    if (typeof selected === "number" && hiddenIn(selected) !== undefined) selected = null;
    const inDrawing = view.contains(document.activeElement);
    refold();
    const shown = drawing.folds.get(name);
    if (shown) reveal(shown.boxes, shown.boxes);
    if (inDrawing) (shown?.group ?? drawing.nodes.get(scopes.get(name).members.find((i) => drawing.nodes.has(i)))?.group)?.focus({ preventScroll: true });
  }

  function showScopes() {
    if (!scopes.size) return;
    const list = find("#scopes ul");
    const focused = document.activeElement?.dataset?.scope;
    list.replaceChildren(
      ...[...scopes].sort(([, a], [, b]) => inOrder(a, b)).map(([name, scope]) => {
        const open = !folded.has(name);
        const toggle = element(
          "button",
          { type: "button", class: "scope", "aria-expanded": String(open), "data-scope": name, onclick: () => fold(name, open) },
          element("span", { "aria-hidden": "true" }, open ? "▾ " : "▸ "),
          element("bdi", {}, scope.path.at(-1)),
          element("span", { class: "none" }, ` ${rowsOf(scope)}`),
        );
        const item = element("li", {}, toggle);
        item.style.marginInlineStart = `${scope.path.length - 1}rem`;
        return item;
      }),
    );
    find("#scopes").hidden = false;
    if (focused) [...list.querySelectorAll("button")].find((b) => b.dataset.scope === focused)?.focus();
  }

  // ── search ───────────────────────────────────────────────────────────────────────────────────────────────────────

  const search = find("#search");
  const hits = find("#hits");
  let found = [];
  let at = -1;

  function look() {
    const wanted = search.value.trim().toLowerCase();
    const texts = (piece) => [piece.label, piece.name, piece.operation, piece.rule, piece.symbol, piece.scope.join("/")];
    const rank = (piece) => (piece.label.toLowerCase() === wanted ? 0 : piece.label.toLowerCase().startsWith(wanted) ? 1 : 2);
    found = wanted
      ? pieces.map((_, i) => i)
          .filter((i) => pieces[i].kind !== "constant" && texts(pieces[i]).some((text) => text.toLowerCase().includes(wanted)))
          .sort((a, b) => rank(pieces[a]) - rank(pieces[b]) || a - b)
      : [];
    at = found.length ? 0 : -1;
    for (const [i, { group }] of drawing.nodes) group.classList.toggle("found", found.includes(i));
    const options = found.slice(0, 50).map((i, place) =>
      element("li", { role: "option", id: `hit${place}`, onpointerdown: (event) => { event.preventDefault(); take(place); } },
        element("bdi", {}, pieces[i].name), element("span", { class: "none" }, pieces[i].operation ? ` ${pieces[i].operation}` : " input")),
    );
    hits.replaceChildren(...(wanted && !found.length ? [element("li", { role: "option", "aria-disabled": "true" }, "nothing found")] : options));
    hits.hidden = !wanted;
    search.setAttribute("aria-expanded", String(Boolean(wanted)));
    mark();
  }

  function mark() {
    [...hits.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    if (at < 0) search.removeAttribute("aria-activedescendant");
    else search.setAttribute("aria-activedescendant", `hit${at}`);
    hits.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(place) {
    const i = found[place];
    search.value = "";
    look();
    if (i !== undefined) choose(i);
  }

  search.addEventListener("input", look);
  search.addEventListener("blur", () => { hits.hidden = true; });
  search.addEventListener("keydown", (event) => {
    const count = hits.querySelectorAll("[id]").length;
    if (event.key === "ArrowDown" && count) at = (at + 1) % count;
    else if (event.key === "ArrowUp" && count) at = (at + count - 1) % count;
    else if (event.key === "Enter" && count) return take(at);
    else if (event.key === "Escape") {
      search.value = "";
      look();
      return search.blur();
    } else return undefined;
    event.preventDefault();
    return mark();
  });

  // ── keys and buttons ─────────────────────────────────────────────────────────────────────────────────────────────

  const about = find("#about");

  function foldHere() {
    const here = document.activeElement?.id?.match(/^n(\d+)$/)?.[1];
    const i = here ? Number(here) : typeof selected === "number" ? selected : moments[step].piece;
    if (i === null) return;
    const hidden = hiddenIn(i);
    if (hidden !== undefined) fold(hidden, false);
    else if (pieces[i].scope.length) fold(key(pieces[i].scope), true);
  }

  const keys = {
    ArrowRight: () => walk("on"),
    ArrowLeft: () => walk("back"),
    Home: () => walk("first"),
    End: () => walk("last"),
    " ": () => play(timer === null),
    "/": () => search.focus(),
    "?": () => about.showModal(),
    f: foldHere,
    "+": () => zoomBy("in"),
    "-": () => zoomBy("out"),
    0: () => zoomBy("fit"),
    Escape: () => select(null),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || about.open) return;
    const on = event.target;
    if (on === search || on.tagName === "SELECT") return; // they have uses of their own for keys
    if (event.key === " " && on.tagName === "BUTTON") return;
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });

  scrub.addEventListener("input", () => { play(false); goTo(Number(scrub.value)); });
  playButton.addEventListener("click", () => play(timer === null));
  find("#seconds").addEventListener("change", () => { if (timer !== null) play(true); });
  find("#help").addEventListener("click", () => about.showModal());
  find("#close").addEventListener("click", () => about.close());
  view.addEventListener("click", () => select(null));
  for (const control of document.querySelectorAll("[data-go]")) control.addEventListener("click", () => walk(control.dataset.go));
  for (const control of document.querySelectorAll("[data-zoom]")) control.addEventListener("click", () => zoomBy(control.dataset.zoom));
  for (const control of document.querySelectorAll("[data-fold]")) {
    control.addEventListener("click", () => {
      folded.clear();
      if (control.dataset.fold === "all") for (const name of scopes.keys()) folded.add(name);
      if (typeof selected === "number" && hiddenIn(selected) !== undefined) selected = null;
      refold();
    });
  }
  addEventListener("resize", applyZoom);

  // What is too much to be taken in at a glance begins with scopes folded, as few levels of them as will do.
  const glance = 60;
  const levels = Math.max(0, ...pieces.map((piece) => piece.scope.length));
  for (let depth = levels; depth > 0; depth--) {
    const shown = new Set(pieces.map((_, i) => hiddenIn(i) ?? i));
    if (shown.size <= glance) break;
    folded.clear();
    for (const [name, scope] of scopes) if (scope.path.length === depth) folded.add(name);
  }

  find("#summary").textContent = summary();
  find("#track .forward").style.flexGrow = seedAt;
  find("#track .backward").style.flexGrow = last - seedAt;
  draw();
  showScopes();
  show();
})();
