// What every page has: copying, questions, the clock. Pages work without it.

const SHOWN_MS = 1500;

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // Browsers give no clipboard to plain HTTP off loopback: leave the text selected.
    getSelection().selectAllChildren(code);
    said = "Selected";
  }
  const before = button.textContent;
  button.textContent = said;
  setTimeout(() => (button.textContent = before), SHOWN_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// The simulator's clock runs on as the page stands, unless it is frozen.
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const clocks = document.querySelectorAll("[data-clock]");
const opened = performance.now();

function tick() {
  for (const clock of clocks) {
    const now = new Date(Date.parse(clock.dateTime) + performance.now() - opened);
    const [, , time] = now.toISOString().match(/(.*)T(.{8})/);
    const day = `${now.getUTCDate()} ${MONTHS[now.getUTCMonth()]} ${now.getUTCFullYear()}`;
    clock.textContent = `${day}, ${time} UTC`;
  }
}

if ([...clocks].some((clock) => clock.dataset.clock !== "frozen")) setInterval(tick, 1000);
