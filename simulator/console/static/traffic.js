// The table of exchanges, kept up to date. Without it the page is a page like any other.

const PAUSE_MS = 400;
const table = document.getElementById("traffic");
const rows = document.getElementById("rows");
const state = document.getElementById("state");
const button = document.getElementById("pause");
const most = Number(table.dataset.most);
let known = Number(table.dataset.last);
let told = known;
let missed = 0;
let paused = false;
let busy = false;

function say(words) {
  if (state.textContent !== words) state.textContent = words;
}

async function refresh(always = false) {
  if (busy || paused || (told <= known && !always)) return;
  busy = true;
  try {
    const query = table.dataset.query;
    const answer = await fetch(`/traffic/rows?since=${known}${query && `&${query}`}`);
    if (!answer.ok) throw new Error(answer.status);
    const last = Number(answer.headers.get("X-Last"));
    const fresh = document.createElement("template");
    fresh.innerHTML = `<table><tbody>${await answer.text()}</tbody></table>`;
    known = last;
    const added = fresh.content.querySelectorAll("tr");
    for (const row of added) row.classList.add("fresh");
    rows.prepend(...added);
    while (rows.rows.length > most) rows.lastElementChild.remove();
    if (added.length) document.getElementById("empty").hidden = true;
  } finally {
    // However fast exchanges come, the page asks a few times a second.
    setTimeout(() => {
      busy = false;
      refresh();
    }, PAUSE_MS);
  }
}

function show() {
  if (!paused) say("Live");
  else say(missed ? `Paused, ${missed} more` : "Paused");
}

function watch() {
  const query = table.dataset.query;
  const events = new EventSource(`/api/v1/events${query && `?${query}`}`);
  events.addEventListener("exchange", (event) => {
    told = Number(event.lastEventId);
    missed += 1;
    show();
    refresh();
  });
  events.addEventListener("open", () => {
    show();
    // What came before the stream was open is not in it.
    refresh(true);
  });
  events.addEventListener("error", () => say("Not connected"));
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    missed = 0;
    button.textContent = paused ? "Resume" : "Pause";
    show();
    refresh();
  });
  addEventListener("pagehide", () => events.close());
}

function go(from, step) {
  const row = from ? from[step] : rows.firstElementChild;
  row?.querySelector("a").focus();
}

// Arrow keys and j and k go from row to row; Enter opens one, as on any link; a slash searches.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const row = event.target.closest("#rows tr");
  const arrows = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" };
  const letters = { j: "nextElementSibling", k: "previousElementSibling" };
  const step = letters[event.key] ?? (row && arrows[event.key]);
  if (step) go(row, step);
  else if (event.key === "/") document.getElementById("q").focus();
  else return;
  event.preventDefault();
});

// A row is its link, wherever it is clicked, but where text is being marked.
rows.addEventListener("click", (event) => {
  if (event.target.closest("a") || String(getSelection())) return;
  event.target.closest("tr")?.querySelector("a").click();
});

if (!("still" in table.dataset)) watch();
