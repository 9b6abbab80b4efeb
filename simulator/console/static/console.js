// What every page has: copying. Pages work without it.

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
