"use strict";
(() => {
  const { trace, paint, statements } = JSON.parse(document.getElementById("data").textContent);
  const steps = trace.steps;
  const $ = (id) => document.getElementById(id);
  const make = (tag, className = "", text = "") => {
    const node = document.createElement(tag);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const SAYS = {
    call: "is called", line: "runs", yield: "yields", resume: "resumes", await: "awaits",
    return: "returns", unwind: "is left by an exception", exception: "raises",
  };
  const MANY = 50;

  // One pass: for each frame and name when it changed, so that any state is a few binary searches.
  const histories = new Map(); // frame -> Map(name -> {at: [step], value: [snapshot or null]})
  const caller = []; // step -> the step at which its caller stands, or -1
  const visits = new Map(); // line of the program -> its steps
  const standing = []; // depth -> latest step there
  steps.forEach((step, at) => {
    standing.length = Math.min(standing.length, step.depth);
    caller.push(standing[step.depth - 1] ?? -1);
    standing[step.depth] = at;
    if (!histories.has(step.frame)) histories.set(step.frame, new Map());
    const names = histories.get(step.frame);
    const note = (name, value) => {
      if (!names.has(name)) names.set(name, { at: [], value: [] });
      names.get(name).at.push(at);
      names.get(name).value.push(value);
    };
    for (const [name, value] of Object.entries(step.changes)) note(name, value);
    for (const name of step.deleted) note(name, null);
    if (step.kind === "line" && !step.file) {
      if (!visits.has(step.line)) visits.set(step.line, []);
      visits.get(step.line).push(at);
    }
  });

  // Labels of places that hold the same object, by frame; and where each step's frame goes on.
  const aliases = new Map();
  for (const [after, frame, place, label] of trace.aliases ?? []) {
    if (!aliases.has(frame)) aliases.set(frame, []);
    aliases.get(frame).push({ after, place, label });
  }
  const goesOn = new Array(steps.length).fill(steps.length);
  const latest = new Map();
  steps.forEach(({ frame }, at) => {
    if (latest.has(frame)) goesOn[latest.get(frame)] = at;
    latest.set(frame, at);
  });
  const LEAVING = ["yield", "await", "return", "unwind"];
  const labels = (frame, at) => {
    const leaves = LEAVING.includes(steps[at].kind);
    let limit = leaves ? at : goesOn[at] - 1;
    if (frame !== steps[at].frame) limit = leaves ? at - 1 : at;
    const found = new Map();
    for (const { after, place, label } of aliases.get(frame) ?? []) {
      if (after > limit) break;
      if (label === null) found.delete(place);
      else found.set(place, label);
    }
    return found;
  };

  // How many of the sorted numbers are <= limit.
  const upTo = (numbers, limit) => {
    let low = 0;
    let high = numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[middle] <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  // The variables of a frame when step `at` has run: [name, snapshot, snapshot before or null].
  const variables = (frame, at) => {
    const rows = [];
    for (const [name, { at: when, value }] of histories.get(frame)) {
      const count = upTo(when, at);
      if (count && value[count - 1]) {
        rows.push([name, value[count - 1], count > 1 ? value[count - 2] : null]);
      }
    }
    return rows;
  };

  // A caller's line owns what it will have changed when the callee is back: not shown until then.
  const known = (at) => (["line", "resume", "exception"].includes(steps[at].kind) ? at - 1 : at);

  const stackAt = (at) => {
    const frames = [{ step: at, until: at }];
    for (let up = caller[at]; up >= 0; up = caller[up]) frames.push({ step: up, until: known(up) });
    return frames;
  };

  // The label of a variable, and of what in it stands elsewhere too.
  const marks = (name, places) => {
    const found = [];
    for (const [place, label] of places) {
      const inner = place === name ? "" : place.slice(name.length);
      if (!place.startsWith(name) || (inner && !"[.".includes(inner[0]))) continue;
      const mark = make("span", "mark alias", `${inner ? `${inner} ` : ""}◆${label}`);
      mark.style.setProperty("--hue", (label * 67 + 150) % 360);
      const others = Array.from(places).filter(([p, l]) => l === label && p !== place);
      mark.title = `The same object wherever ◆${label} stands${
        others.length ? `: ${others.slice(0, MANY).map(([p]) => p).join(", ")}` : ""}`;
      found.push(mark);
    }
    return found.slice(0, MANY);
  };

  const table = (frame, until, current, at) => {
    const list = make("dl");
    const places = labels(frame, at);
    const beyond = current ? current.changed_beyond_preview ?? [] : [];
    const rows = variables(frame, until);
    for (const [name, snapshot, before] of rows) {
      const changed = current && (Object.hasOwn(current.changes, name) || beyond.includes(name));
      const term = make("dt", changed ? "changed" : "", name);
      const value = make("dd", changed ? "changed" : "");
      value.title = snapshot.type;
      value.append(make("span", "value", snapshot.text));
      value.append(...marks(name, places));
      if (beyond.includes(name)) value.append(make("span", "mark", "changed past what is shown"));
      if (changed && Object.hasOwn(current.changes, name) && before && before.text !== snapshot.text) {
        const was = make("span", "was", before.text);
        was.setAttribute("aria-label", `before: ${before.text}`);
        value.append(was);
      }
      list.append(term, value);
    }
    for (const name of current ? current.deleted : []) {
      list.append(make("dt", "changed", name), make("dd", "changed", "deleted"));
    }
    return list.children.length ? list : make("p", "note", "No variables yet.");
  };

  const place = (step) => (step.file ? `${step.file}, line ${step.line}` : `line ${step.line}`);
  const opened = new Set(); // frames of callers that the reader opened stay open

  const showStack = (at) => {
    const stack = stackAt(at);
    const cards = stack.slice(0, MANY + 1).map(({ step: index, until }, level) => {
      const step = steps[index];
      const title = [make("span", "title", step.function), make("span", "note", ` ${place(step)}`)];
      if (level === 0) {
        const card = make("div", "frame");
        card.append(...title, table(step.frame, until, step, at));
        return card;
      }
      const card = make("details", "frame");
      const summary = make("summary");
      summary.append(...title);
      card.append(summary);
      const fill = () => {
        if (card.open && card.children.length === 1) card.append(table(step.frame, until, null, at));
      };
      card.open = level < 3 || opened.has(step.frame);
      fill();
      card.addEventListener("toggle", () => {
        fill();
        if (card.open) opened.add(step.frame);
        else opened.delete(step.frame);
      });
      return card;
    });
    const more = stack.length - cards.length;
    if (more > 0) cards.push(make("p", "note", `and ${more} more callers`));
    $("stack").replaceChildren(...cards);
  };

  const showEvent = (step) => {
    $("event").className = ["exception", "unwind"].includes(step.kind) ? "raised" : "";
    const says = step.kind === "line" ? `Line ${step.line} has run` : SAYS[step.kind];
    const parts = [make("span", "kind", says)];
    if (step.kind === "line") parts.push(" in ", make("code", "", step.function));
    else parts.unshift(make("code", "", step.function), " ");
    if (step.file) parts.push(make("span", "note", ` (${place(step)})`));
    if (step.value) parts.push(" ", make("code", "", step.value.text));
    $("event").replaceChildren(...parts);
  };

  let now = 0;
  let lit = [];
  const lines = [];

  const showVisits = (step) => {
    const all = step.file ? undefined : visits.get(step.line);
    $("visits").hidden = !all;
    if (!all) return;
    const nth = Math.max(1, upTo(all, now));
    $("visit-line").textContent = `Line ${step.line}, visit`;
    $("visit").max = all.length;
    $("visit").value = nth;
    $("visit-count").textContent = `of ${all.length}`;
    $("visit-back").disabled = nth <= 1;
    $("visit-next").disabled = nth >= all.length;
  };

  // The line itself, and more faintly the rest of a statement over several lines.
  const showLine = (step) => {
    for (const item of lit) {
      item.classList.remove("lit", "statement");
      item.removeAttribute("aria-current");
    }
    lit = [];
    const current = step.file ? null : lines[step.line - 1];
    if (!current) return;
    const [first, last] = statements[step.line] ?? [step.line, step.line];
    lit = lines.slice(first - 1, last);
    for (const item of lit) item.classList.add(item === current ? "lit" : "statement");
    current.setAttribute("aria-current", "step");
    current.scrollIntoView({ block: "nearest" });
  };

  const go = (to) => {
    if (!steps.length) return;
    now = Math.max(0, Math.min(steps.length - 1, to));
    const step = steps[now];
    showLine(step);
    $("slider").value = now;
    $("slider").setAttribute("aria-valuetext", `step ${now + 1} of ${steps.length}`);
    $("position").textContent = `${(now + 1).toLocaleString("en")} / ${steps.length.toLocaleString("en")}`;
    $("first").disabled = $("back").disabled = now === 0;
    $("next").disabled = $("last").disabled = now === steps.length - 1;
    showEvent(step);
    showVisits(step);
    showStack(now);
    showOutput(now);
  };

  // What was written, piece by piece, in order; the recording counts code points.
  const pieces = [];
  const drawOutput = () => {
    const whole = { stdout: Array.from(trace.stdout), stderr: Array.from(trace.stderr) };
    const all = [[-1, "stdout", whole.stdout.length], [-1, "stderr", whole.stderr.length]];
    const starts = { stdout: 0, stderr: 0 };
    for (const [after, stream, end] of trace.writes ?? all) {
      if (end === starts[stream]) continue;
      const text = whole[stream].slice(starts[stream], end).join("");
      pieces.push({ after, node: make("span", stream, text) });
      starts[stream] = end;
    }
    $("written").hidden = !pieces.length;
    $("output").append(...pieces.map((piece) => piece.node));
    if (!trace.writes) {
      $("output-note").textContent = "of the whole run; the recording does not say at which step";
    }
  };

  const showOutput = (at) => {
    if (!trace.writes || !pieces.length) return;
    for (const { after, node } of pieces) {
      node.hidden = after > at;
      node.classList.toggle("changed", after === at);
    }
    $("output-note").textContent = pieces[0].after > at ? "nothing so far" : "so far";
    $("output").scrollTop = $("output").scrollHeight;
  };

  const goVisit = (line, nth) => {
    const all = visits.get(line);
    if (all) go(all[Math.max(0, Math.min(all.length, nth) - 1)]);
  };

  const drawSource = () => {
    const most = Math.max(1, ...Array.from(visits.values(), (all) => all.length));
    const source = trace.program.replace(/(\r\n|\r|\n)$/, ""); // its last line ends, and no other begins
    source.split(/\r\n|\r|\n/).forEach((text, row) => {
      const all = visits.get(row + 1) ?? [];
      const item = make("li");
      const gutter = make("button");
      gutter.type = "button";
      gutter.disabled = !all.length;
      const count = make("span", "count", all.length ? `${all.length}×` : "");
      if (all.length) {
        const share = 0.25 + (0.75 * Math.log(all.length + 1)) / Math.log(most + 1);
        count.style.setProperty("--share", share.toFixed(3));
      }
      gutter.append(make("span", "number", row + 1), count);
      gutter.setAttribute("aria-label", `Line ${row + 1}, ${all.length} visits; go to the next`);
      gutter.addEventListener("click", () => {
        const after = upTo(all, now);
        goVisit(row + 1, after < all.length ? after + 1 : 1);
      });
      const code = make("code");
      const letters = Array.from(text); // Python counts code points
      let done = 0;
      for (const [start, end, colour] of paint[row] ?? []) {
        code.append(letters.slice(done, start).join(""));
        const className = colour === "number" ? "number-token" : colour;
        code.append(make("span", className, letters.slice(start, end).join("")));
        done = end;
      }
      code.append(letters.slice(done).join(""));
      item.append(gutter, code);
      lines.push(item);
    });
    $("source").append(...lines);
  };

  const describe = ({ kind, value, exception }) => {
    if (value) return `${kind} ${value.text}`;
    if (!exception) return kind.replace("_", " ");
    const where = exception.line == null ? "" : ` (line ${exception.line})`;
    return `${kind} ${exception.type}${exception.message ? `: ${exception.message}` : ""}${where}`;
  };

  const drawHead = () => {
    $("title").textContent = trace.call ?? "The module's body";
    const facts = [
      describe(trace.outcome), `${steps.length.toLocaleString("en")} steps`, `Python ${trace.python}`,
      `isolation ${trace.level}`, `recording ${trace.status.state}`,
    ];
    if (trace.setup.trim()) facts.push(`setup: ${trace.setup.trim()}`);
    $("facts").textContent = facts.join(" · ");
    if (!trace.complete || trace.status.reason) {
      const reason = trace.status.reason ?? "its reason was not recorded";
      const lead = trace.complete ? "Note" : `Not the whole run (${trace.status.state})`;
      $("warning").textContent = `${lead}: ${reason}`;
      $("warning").hidden = false;
    }
    drawOutput();
  };

  const moves = {
    ArrowLeft: () => now - 1, ArrowUp: () => now - 1, ArrowRight: () => now + 1,
    ArrowDown: () => now + 1, PageUp: () => now - 10, PageDown: () => now + 10,
    Home: () => 0, End: () => steps.length - 1,
  };
  document.addEventListener("keydown", (event) => {
    if (event.target === $("visit") || event.ctrlKey || event.altKey || event.metaKey) return;
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    go(move());
  });
  $("first").addEventListener("click", () => go(0));
  $("back").addEventListener("click", () => go(now - 1));
  $("next").addEventListener("click", () => go(now + 1));
  $("last").addEventListener("click", () => go(steps.length - 1));
  $("slider").max = Math.max(0, steps.length - 1);
  $("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  $("visits").addEventListener("submit", (event) => event.preventDefault());
  const chosen = () => Math.trunc(Number($("visit").value)) || 1;
  $("visit").addEventListener("change", () => goVisit(steps[now].line, chosen()));
  $("visit-back").addEventListener("click", () => goVisit(steps[now].line, chosen() - 1));
  $("visit-next").addEventListener("click", () => goVisit(steps[now].line, chosen() + 1));

  drawHead();
  drawSource();
  if (steps.length) go(Math.min(trace.call_start, steps.length - 1));
  else {
    $("event").textContent = "Nothing was recorded.";
    for (const id of ["first", "back", "next", "last", "slider"]) $(id).disabled = true;
  }

  // What the page knows, for whoever looks at it from a console or a test.
  window.pytracePage = {
    go,
    state: (at) => stackAt(at).map(({ step, until }) => ({
      frame: steps[step].frame,
      labels: Object.fromEntries(labels(steps[step].frame, at)),
      variables: Object.fromEntries(variables(steps[step].frame, until).map(([n, s]) => [n, s.text])),
    })),
  };
})();
