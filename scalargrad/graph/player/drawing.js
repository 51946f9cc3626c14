// The drawing: made anew when a scope folds; a step only changes classes and texts in it.

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
    piece.arrows
      .filter((arrow) => seen[i] && seen[arrow.operand] && arrow.line.label)
      .map((arrow) => {
        const width = arrow.derivative.length * 6.2;
        return [arrow.line.label[0] - width / 2, arrow.line.label[1] - 9, width, 11];
      }),
  );
  const { across, down } = folds.size ? closedUp(others, labels) : asDrawn;
  const moved = ([x, y, w, h]) => [across.map(x + w / 2) - w / 2, down.map(y + h / 2) - h / 2, w, h];
  const along = (points) => points.map((x, k) => (k % 2 ? down.map(x) : across.map(x)));

  const svg = shape("svg", {
    viewBox: `0 0 ${across.end} ${down.end}`,
    role: "group",
    "aria-label": `Graph of ${story.title}: ${summary()}`,
  });
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
          const goal = to === undefined ? moved(piece.ellipse) : moved(folds.get(to));
          const share = (place + 1) / (piece.arrows.length + 1);
          group = rerouted(arrow, placeOf(arrow.operand), goal, to === undefined ? share : undefined, standing);
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

/** An edge to or from a folded scope. Into an operation it comes at its share of the height, else from where it is. */
function rerouted(arrow, [left, top, width, height], goal, share, standing) {
  const start = [left + width, top + height / 2];
  const [x, y, h] = [goal[0], goal[1], goal[3]];
  const slanted = y + h / 2 + (start[1] - y) / 9;
  const end = share === undefined ? [x, Math.max(y + 5, Math.min(y + h - 5, slanted))] : [x + 2, y + h * share];
  const points = detour(start, [end[0] - 7, end[1]], standing);
  const group = arrowShape(arrow, points, [end[0] - 7, end[1] - 2.5, ...end, end[0] - 7, end[1] + 2.5]);
  group.classList.add("joined");
  return group;
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
      const on = (k) =>
        s * s * s * points[k] +
        3 * s * s * t * points[k + 2] +
        3 * s * t * t * points[k + 4] +
        t * t * t * points[k + 6];
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
  if (
    pieces.some(
      (_, i) =>
        !mine.has(i) &&
        seen[i] &&
        boxesOf(i)
          .map(moved)
          .some((b) => !apart(b, box, 0)),
    )
  )
    return;
  const [x, y, width, height] = box;
  const title = `▾ ${nameOf(scope.path)}`;
  const group = shape("g", { class: "region" }, shape("rect", { x, y, width, height, rx: 8 }));
  const handle = button(shape("g", { class: "handle" }), `fold the scope ${scope.path.join(" / ")}`, () =>
    fold(name, true),
  );
  handle.setAttribute("aria-expanded", "true");
  const place = [x, y - 14, title.length * 6.2 + 8, 15];
  for (let label; (label = taken.find((other) => !apart(place, other, 1)));) place[0] = label[0] + label[2] + 2;
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
