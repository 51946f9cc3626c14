// Where things stand when scopes are folded. The story has places for the drawing without folds; no layout is made
// here.

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
  const before = scope.members
    .flatMap((i) => pieces[i].arrows.map((arrow) => arrow.operand))
    .filter((i) => !mine.has(i));
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

const asDrawn = { across: { map: (x) => x, end: story.width }, down: { map: (y) => y, end: story.height } };

/** The same for both axes: boxes, with room for the arrowheads beside them, and labels keep their distances. */
function closedUp(boxes, labels) {
  const stand = [...boxes.map(([x, y, w, h]) => [x - 16, y - 4, w + 32, h + 8]), ...labels];
  const across = stand.map(([x, , w]) => [x, x + w]);
  const down = stand.map(([, y, , h]) => [y, y + h]);
  return { across: squeezed(across, story.width, 64), down: squeezed(down, story.height, 26) };
}
