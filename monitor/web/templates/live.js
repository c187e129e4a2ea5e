// Keeps today's board as it is now, by what the server tells at /events. Without it the page is as of when it was made.
"use strict";
(() => {
  const main = document.getElementById("main");
  const STILL = 6500, AGAIN = 10000, SPREAD = 3000;
  const looked = new Map();
  let stream = null, retry = 0, renewal = 0;
  let after = main.dataset.after, clock = main.dataset.clock;
  let ahead = Number(main.dataset.now) - Date.now(), heard = performance.now();

  const words = (seconds) => {
    const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (h >= 1) return `${h} h${m % 60 ? ` ${m % 60} min` : ""}`;
    return m >= 1 ? `${m} min${s % 60 && m < 5 ? ` ${s % 60} s` : ""}` : `${s} s`;
  };

  const tick = () => {
    const now = Date.now() + ahead;
    for (const one of document.querySelectorAll(".looked[data-of]")) {
      const at = looked.get(one.dataset.of) ?? Number(one.dataset.ago ?? 0);
      if (at) one.textContent = `last looked ${words((now - at) / 1000)} ago`;
    }
    for (const one of document.querySelectorAll("[data-until]")) {
      const left = (Number(one.dataset.until) - now) / 1000;
      one.textContent = left > 0 ? `in ${words(Math.ceil(left))}` : "now";
    }
    for (const one of document.querySelectorAll("[data-since]")) {
      one.textContent = words((now - Number(one.dataset.since)) / 1000);
    }
    const told = document.getElementById("live"), is_old = performance.now() - heard > STILL;
    if (told && told.hidden === is_old) {
      told.hidden = !is_old;
      told.textContent = is_old ? `Not live since ${clock}: what is shown below is as of then.` : "";
    }
  };

  const put = (element, html) => {
    const href = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.innerHTML = html;
    if (href) element.querySelector(`[href="${CSS.escape(href)}"]`)?.focus();
  };

  const unfold = (row) => {
    const wrong = document.getElementById("wrong"), fold = row.closest("details");
    if (!wrong || !fold) return;
    wrong.append(row);
    wrong.closest("table").hidden = false;
    const left = fold.querySelectorAll("tbody tr").length;
    fold.querySelector(".many").textContent = left;
    fold.hidden = left === 0;
  };

  const renew = () => {
    clearTimeout(renewal);
    // Not all at once: every page that is open hears of it in the same second.
    renewal = setTimeout(async () => {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (answer.redirected) return location.reload();
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
        if (!page?.dataset.after) return location.reload();
        const open = [...main.querySelectorAll("details[open] caption")].map((one) => one.textContent);
        put(main, page.innerHTML);
        Object.assign(main.dataset, page.dataset);
        after = page.dataset.after;
        looked.clear();
        for (const fold of main.querySelectorAll("details")) {
          fold.open = open.includes(fold.querySelector("caption")?.textContent);
        }
        listen();
      } catch {
        // The stream says by its silence that the server is not there; the page is made anew when it is back.
        renewal = setTimeout(renew, AGAIN);
      }
    }, Math.random() * SPREAD);
  };

  const swap = (event) => {
    after = event.lastEventId;
    const { element, html, bad } = JSON.parse(event.data), found = document.getElementById(element);
    if (!found) return bad && main.dataset.whole ? renew() : undefined;
    put(found, html);
    if (bad) unfold(found);
    tick();
  };

  const pulse = (event) => {
    const told = JSON.parse(event.data), shown = document.getElementById("clock");
    heard = performance.now();
    ahead = told.now - Date.now();
    clock = told.clock;
    if (shown) shown.textContent = clock;
    for (const [element, at] of Object.entries(told.looked)) looked.set(element, at);
    tick();
  };

  const listen = () => {
    clearTimeout(retry);
    stream?.close();
    if (document.hidden) return;
    stream = new EventSource(`/events?after=${encodeURIComponent(after)}`);
    stream.addEventListener("swap", swap);
    stream.addEventListener("pulse", pulse);
    stream.addEventListener("renew", renew);
    stream.addEventListener("error", () => {
      // A stream that ended is opened again by the browser; one that was refused is not.
      if (stream.readyState === EventSource.CLOSED) retry = setTimeout(listen, AGAIN + Math.random() * SPREAD);
    });
  };

  document.addEventListener("visibilitychange", () => { tick(); listen(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { tick(); listen(); } });
  setInterval(tick, 1000);
  listen();
})();
