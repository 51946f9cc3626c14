// What stands beside the drawing: the panel of a node, and the list of scopes.

// ── the panel ────────────────────────────────────────────────────────────────────────────────────────────────────────

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
const link = (text, act, said) =>
  element("button", { type: "button", class: "link", onclick: act, ...(said && { "aria-label": said }) }, text);

function listed(heading, items) {
  return items.length
    ? [element("h3", {}, heading), element("ul", {}, ...items.map((item) => element("li", {}, ...[item].flat())))]
    : [];
}

function showPanel() {
  const chosen = typeof selected === "number";
  const i = chosen ? selected : (moments[step].piece ?? null);
  const title = element("h2", { id: "panel-title" });
  if (i === null) {
    title.textContent = "Nodes";
    find("#panel").replaceChildren(
      title,
      element(
        "p",
        { class: "hint" },
        "Choose a node of the drawing to see its rule, its value and all that is added to its gradient.",
      ),
    );
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
    fact(
      "folds into",
      piece.scope.join(" / "),
      " ",
      link(act, () => fold(name, act === "fold"), said),
    );
  }
  if (piece.line) fact("recorded at", piece.line);

  const laws = piece.arrows.filter((arrow) => arrow.law).map((arrow) => arrow.law);
  const operands = [...new Set(piece.arrows.map((arrow) => arrow.operand))];
  const told = piece.shares.filter(({ consumer }) => (consumer === i ? step >= seedAt : sweptAt.get(consumer) <= step));
  const more = piece.shares.length - told.length;
  const shares = told.map(({ consumer, text }) =>
    consumer === i ? [text] : [link(`from ${pieces[consumer].name}`, () => choose(consumer)), ` ${text}`],
  );
  if (more) shares.push([element("span", { class: "none" }, `${more} still to come`)]);
  const jumps = [];
  const jump = (text, to, said) => jumps.push(link(text, () => jumpTo(to), said));
  if (computedAt.has(i)) jump("computed", computedAt.get(i), `go to the step that computes ${piece.name}`);
  if (sweptAt.has(i)) jump("hands on", sweptAt.get(i), `go to the step at which ${piece.name} hands on its gradient`);

  find("#panel").replaceChildren(
    element(
      "div",
      { class: "row head" },
      title,
      chosen
        ? element("button", { type: "button", onclick: () => select(null), "aria-label": "Let go of this node" }, "×")
        : element("span", { class: "none" }, "this step"),
    ),
    element("dl", {}, ...facts),
    ...listed("local derivatives", known ? laws : []),
    ...listed("contributions to its gradient", shares),
    ...listed(
      "operands",
      operands.map((k) => link(titled(k), () => choose(k))),
    ),
    ...listed(
      "consumers",
      consumers[i].map((k) => link(`${pieces[k].name} = ${pieces[k].operation}`, () => choose(k))),
    ),
    ...listed("steps", jumps),
  );
}

// ── scopes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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
  if (inDrawing)
    (shown?.group ?? drawing.nodes.get(scopes.get(name).members.find((i) => drawing.nodes.has(i)))?.group)?.focus({
      preventScroll: true,
    });
}

function showScopes() {
  if (!scopes.size) return;
  const list = find("#scopes ul");
  const focused = document.activeElement?.dataset?.scope;
  list.replaceChildren(
    ...[...scopes]
      .sort(([, a], [, b]) => inOrder(a, b))
      .map(([name, scope]) => {
        const open = !folded.has(name);
        const toggle = element(
          "button",
          {
            type: "button",
            class: "scope",
            "aria-expanded": String(open),
            "data-scope": name,
            onclick: () => fold(name, open),
          },
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
