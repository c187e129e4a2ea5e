// Keeps today's board live. Without this script the page shows the time when it was made.
"use strict";
(() => {
  const board = document.getElementById("board"), warning = document.getElementById("live");
  let etag = "", clock = "", pause = 0, timer = 0;
  let clockOffset = Number(board.dataset.now) - Date.now(), lastAnswer = performance.now();

  const formatDuration = (seconds) => {
    const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (h >= 1) return `${h} h${m % 60 ? ` ${m % 60} min` : ""}`;
    return m >= 1 ? `${m} min${s % 60 && m < 5 ? ` ${s % 60} s` : ""}` : `${s} s`;
  };

  const updateTimes = () => {
    const now = Date.now() + clockOffset;
    for (const one of board.querySelectorAll("[data-ago]")) {
      one.textContent = `last looked ${formatDuration((now - Number(one.dataset.ago)) / 1000)} ago`;
    }
    for (const one of board.querySelectorAll("[data-until]")) {
      const left = (Number(one.dataset.until) - now) / 1000;
      one.textContent = left > 0 ? `in ${formatDuration(Math.ceil(left))}` : "now";
    }
    for (const one of board.querySelectorAll("[data-since]")) {
      one.textContent = formatDuration((now - Number(one.dataset.since)) / 1000);
    }
    const shown = document.getElementById("clock");
    if (shown && clock) shown.textContent = clock;
    // Two answers are missing, or the one that loads this page.
    const isOld = performance.now() - lastAnswer > 2000 * pause + 4500;
    if (warning.hidden === isOld) {
      warning.hidden = !isOld;
      const since = clock ? `since ${clock}` : "any more";
      warning.textContent = isOld ? `Not live ${since}: what is shown below is as of then.` : "";
    }
  };

  // Changes `old` into `fresh`. What is equal stays, with its focus and what was typed into it.
  const morph = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    const isSameKind = old.nodeType === Node.ELEMENT_NODE && old.nodeName === fresh.nodeName && old.id === fresh.id;
    if (!isSameKind) return old.replaceWith(fresh);
    for (const name of [...old.getAttributeNames(), ...fresh.getAttributeNames()]) {
      if (old.nodeName === "DETAILS" && name === "open") continue;
      const value = fresh.getAttribute(name);
      if (value === null) old.removeAttribute(name);
      else old.setAttribute(name, value);
    }
    const before = [...old.childNodes], after = [...fresh.childNodes];
    after.forEach((child, place) => (place < before.length ? morph(before[place], child) : old.append(child)));
    before.slice(after.length).forEach((child) => child.remove());
  };

  const poll = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await fetch(`/board${location.search}`, { headers, cache: "no-store" });
      if (answer.redirected || answer.status === 401 || answer.status === 403) return location.reload();
      if (!answer.ok && answer.status !== 304) throw new Error(answer.statusText);
      if (answer.ok) {
        const fresh = document.createElement("template");
        fresh.innerHTML = `<div id="board">${await answer.text()}</div>`;
        const focused = board.contains(document.activeElement) && document.activeElement.getAttribute("href");
        const open = [...board.querySelectorAll("details[open][id]")].map((one) => one.id);
        morph(board, fresh.content.firstElementChild);
        if (focused && !board.contains(document.activeElement)) {
          board.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
        }
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      }
      etag = answer.headers.get("ETag");
      clock = answer.headers.get("Board-Clock");
      clockOffset = Number(answer.headers.get("Board-Now")) - Date.now();
      pause = Number(answer.headers.get("Board-Next"));
      lastAnswer = performance.now();
      updateTimes();
    } catch {
      // The warning appears if no answer comes for some time.
      pause ||= 10;
    }
    timer = setTimeout(poll, pause * 1000);
  };

  document.addEventListener("visibilitychange", poll);
  addEventListener("pageshow", (event) => { if (event.persisted) poll(); });
  setInterval(updateTimes, 1000);
  poll();
})();
