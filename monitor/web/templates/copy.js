"use strict";
// A button copies the text that stands beside it. Without scripts, it is not shown.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const paragraphs = document.getElementById(button.dataset.copy).children;
    await navigator.clipboard.writeText([...paragraphs].map((one) => one.textContent).join("\n\n"));
    button.textContent = "Copied";
  });
}
