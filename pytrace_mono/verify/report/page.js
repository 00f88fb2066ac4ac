"use strict";
const { report, rows } = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const percent = (share) => (100 * share).toFixed(1) + " %";
let row = 0;
let claim = -1;

function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function pieces(one) {
  // Claims may overlap: where they do, the worst of them colours the words.
  const rank = { contradicted: 3, unsupported: 2, holds: 1 };
  const owner = new Array(one.text.length).fill(-1);
  one.claims.forEach((c, i) => {
    for (let at = c.start; at < Math.min(c.end, owner.length); at++) {
      if (owner[at] < 0 || rank[c.status] > rank[one.claims[owner[at]].status]) owner[at] = i;
    }
  });
  const unread = new Array(one.text.length).fill(false);
  for (const [start, end] of one.unread) unread.fill(true, start, end);
  const found = [];
  for (let start = 0; start < owner.length; ) {
    let end = start + 1;
    while (end < owner.length && owner[end] === owner[start] && unread[end] === unread[start]) end++;
    found.push([one.text.slice(start, end), owner[start], unread[start], start]);
    start = end;
  }
  return found;
}

function showRow(index) {
  row = index;
  claim = -1;
  const one = rows[row];
  by("title").textContent = `${one.id}: ${one.call}`;
  by("verdict").textContent = one.kept ? "every claim that could be checked holds" : `${one.reason}: ${one.detail}`;
  by("text").replaceChildren(...pieces(one).map(([words, owner, unread, start]) => {
    if (owner < 0) return element("span", words, unread ? "unread" : "");
    const mark = element("mark", words, one.claims[owner].status);
    mark.dataset.claim = owner;
    mark.dataset.start = start;
    mark.tabIndex = 0;
    mark.addEventListener("click", () => showClaim(owner));
    mark.addEventListener("keydown", (event) => { if (event.key === "Enter") showClaim(owner); });
    return mark;
  }));
  by("program").replaceChildren(...one.program.replace(/\n$/, "").split("\n").map((line, i) => {
    const item = element("li", line);
    item.dataset.line = i + 1;
    return item;
  }));
  by("steps").replaceChildren(...one.steps.map((step, i) => {
    const changes = Object.entries(step.changes).map(([name, text]) => `${name} = ${text}`).join(", ");
    const value = step.value === null ? "" : ` ${step.value}`;
    return element("li", `${i + 1}. L${step.line} ${step.kind} ${step.kind === "call" ? step.function + " " : ""}${changes}${value}`);
  }));
  by("claim").textContent = `${one.claims.length} claims. Click one, or use the arrow keys.`;
  document.querySelectorAll("#rows button").forEach((button, i) => button.setAttribute("aria-current", i === row));
}

function light(selector, index) {
  document.querySelectorAll(`${selector} .lit`).forEach((item) => item.classList.remove("lit"));
  const item = index === null ? undefined : document.querySelectorAll(`${selector} li`)[index];
  if (item) {
    item.classList.add("lit");
    item.scrollIntoView({ block: "nearest" });
  }
}

function showClaim(index) {
  const one = rows[row];
  if (!one || index < 0 || index >= one.claims.length) return;
  claim = index;
  const c = one.claims[claim];
  const step = c.step === null ? undefined : one.steps[c.step];
  const where = step ? `\nstep ${c.step + 1}, line ${step.line}` : "";
  const restated = c.restated ? `\nrestated: ${c.restated}` : "";
  by("claim").textContent = `${c.kind}: ${c.status}${restated}${c.fact ? "\nrecorded: " + c.fact : ""}${where}`;
  document.querySelectorAll("#text mark").forEach((mark) => mark.setAttribute("aria-current", c.start <= +mark.dataset.start && +mark.dataset.start < c.end));
  document.querySelector('#text mark[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  light("#steps", step ? c.step : null);
  const line = step ? step.line : c.line;
  light("#program", line ? line - 1 : null);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !rows.length) return;
  const wrong = rows[row].claims.findIndex((c, i) => i > claim && c.status === "contradicted");
  const act = {
    ArrowDown: () => row + 1 < rows.length && showRow(row + 1),
    ArrowUp: () => row > 0 && showRow(row - 1),
    ArrowRight: () => showClaim(claim + 1),
    ArrowLeft: () => showClaim(claim - 1),
    w: () => wrong >= 0 && showClaim(wrong),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

by("facts").textContent = `${report.rows} monologues${report.complete ? "" : ", stopped before the end"}: ${percent(report.right_answer)} with the right answer, ${percent(report.all_claims_true)} with all claims true; ${percent(report.unread)} of the sentences with code unread`;
by("reasons").textContent = Object.entries(report.by_reason).map(([name, count]) => `${count} ${name}`).join(", ");
by("rows").replaceChildren(...rows.map((one, i) => {
  const button = element("button", one.id, one.kept ? "" : "dropped");
  button.type = "button";
  button.addEventListener("click", () => showRow(i));
  const item = document.createElement("li");
  item.append(button);
  return item;
}));
if (rows.length) showRow(0);
