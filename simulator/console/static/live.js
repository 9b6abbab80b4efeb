// Parts of a page that follow what happens: <div id="..." data-live="push exchange">, with
// data-query for the filters of its exchanges. Without it the page is a page like any other.

const PAUSE_MS = 500;
const FOCUSABLE = "a[href], button, input, select, summary";
const parts = [...document.querySelectorAll("[data-live]")];
let waiting = false;
let busy = false;

// What has the focus keeps it: it is found again by its place among what can have it. What is
// open stays so.
function replace(part, fresh) {
  const at = [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  for (const old of part.querySelectorAll("details[id]")) {
    const now = fresh.querySelector(`[id="${old.id}"]`);
    if (now) now.open = old.open;
  }
  part.replaceChildren(...fresh.childNodes);
  if (at >= 0) part.querySelectorAll(FOCUSABLE)[at]?.focus();
}

async function refresh() {
  if (busy || !waiting) return;
  busy = true;
  waiting = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
    }
  } finally {
    // However much happens, the page asks a few times a second.
    setTimeout(() => {
      busy = false;
      refresh();
    }, PAUSE_MS);
  }
}

function heard() {
  waiting = true;
  refresh();
}

if (parts.length) {
  const names = new Set(parts.flatMap((part) => part.dataset.live.split(" ")));
  const query = parts[0].dataset.query;
  const events = new EventSource(`/api/v1/events${query ? `?${query}` : ""}`);
  for (const name of names) events.addEventListener(name, heard);
  // What came before the stream was open is not in it.
  events.addEventListener("open", heard);
  addEventListener("pagehide", () => events.close());
}

// A link to a part that is closed opens it.
function reveal() {
  const part = location.hash && document.getElementById(location.hash.slice(1));
  if (part instanceof HTMLDetailsElement) part.open = true;
}

addEventListener("hashchange", reveal);
reveal();
