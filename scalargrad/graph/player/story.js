// The story, what follows from it, and the state of the page. All texts come from the story, and get into the page as
// text. No number is computed here but places in the drawing.

const story = JSON.parse(document.getElementById("story").textContent);
const { pieces, moments } = story;
const find = (selector) => document.querySelector(selector);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// ── what follows from the story ──────────────────────────────────────────────────────────────────────────────────────

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

// ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────────

let step = 0;
let selected = null; // the number of a piece, or the key of a scope
let timer = null;
let zoom = "legible"; // or "all", however small that is, or a number
const folded = new Set();

// ── elements ─────────────────────────────────────────────────────────────────────────────────────────────────────────

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
