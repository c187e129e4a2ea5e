// Keeps today's board live with the events of /events. Without this script the page shows the time when it was made.
"use strict";
(() => {
  const main = document.getElementById("main");
  const STALE_AFTER = 6500, RETRY_AFTER = 10000, SPREAD = 3000;
  const lastLooks = new Map();
  let stream = null, retry = 0, renewal = 0;
  let after = main.dataset.after, clock = main.dataset.clock;
  let clockOffset = Number(main.dataset.now) - Date.now(), lastPulse = performance.now();

  const formatDuration = (seconds) => {
    const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60);
    if (h >= 1) return `${h} h${m % 60 ? ` ${m % 60} min` : ""}`;
    return m >= 1 ? `${m} min${s % 60 && m < 5 ? ` ${s % 60} s` : ""}` : `${s} s`;
  };

  const updateTimes = () => {
    const now = Date.now() + clockOffset;
    for (const one of document.querySelectorAll(".looked[data-of]")) {
      const at = lastLooks.get(one.dataset.of) ?? Number(one.dataset.ago ?? 0);
      if (at) one.textContent = `last looked ${formatDuration((now - at) / 1000)} ago`;
    }
    for (const one of document.querySelectorAll("[data-until]")) {
      const left = (Number(one.dataset.until) - now) / 1000;
      one.textContent = left > 0 ? `in ${formatDuration(Math.ceil(left))}` : "now";
    }
    for (const one of document.querySelectorAll("[data-since]")) {
      one.textContent = formatDuration((now - Number(one.dataset.since)) / 1000);
    }
    const warning = document.getElementById("live"), is_old = performance.now() - lastPulse > STALE_AFTER;
    if (warning && warning.hidden === is_old) {
      warning.hidden = !is_old;
      warning.textContent = is_old ? `Not live since ${clock}: what is shown below is as of then.` : "";
    }
  };

  const replaceHtml = (element, html) => {
    const href = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.innerHTML = html;
    if (href) element.querySelector(`[href="${CSS.escape(href)}"]`)?.focus();
  };

  const moveToProblems = (row) => {
    const wrong = document.getElementById("wrong"), fold = row.closest("details");
    if (!wrong || !fold) return;
    wrong.append(row);
    wrong.closest("table").hidden = false;
    const left = fold.querySelectorAll("tbody tr").length;
    fold.querySelector(".many").textContent = left;
    fold.hidden = left === 0;
  };

  const reloadPage = () => {
    clearTimeout(renewal);
    // After a random delay, because every open page gets this event in the same second.
    renewal = setTimeout(async () => {
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (answer.redirected) return location.reload();
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
        if (!page?.dataset.after) return location.reload();
        const open = [...main.querySelectorAll("details[open] caption")].map((one) => one.textContent);
        replaceHtml(main, page.innerHTML);
        Object.assign(main.dataset, page.dataset);
        after = page.dataset.after;
        lastLooks.clear();
        for (const fold of main.querySelectorAll("details")) {
          fold.open = open.includes(fold.querySelector("caption")?.textContent);
        }
        openStream();
      } catch {
        // The server does not answer. Without pulses the warning appears, and the page loads again later.
        renewal = setTimeout(reloadPage, RETRY_AFTER);
      }
    }, Math.random() * SPREAD);
  };

  const onSwap = (event) => {
    after = event.lastEventId;
    const { element, html, bad } = JSON.parse(event.data), found = document.getElementById(element);
    if (!found) return bad && main.dataset.whole ? reloadPage() : undefined;
    replaceHtml(found, html);
    if (bad) moveToProblems(found);
    updateTimes();
  };

  const onPulse = (event) => {
    const data = JSON.parse(event.data), shown = document.getElementById("clock");
    lastPulse = performance.now();
    clockOffset = data.now - Date.now();
    clock = data.clock;
    if (shown) shown.textContent = clock;
    for (const [element, at] of Object.entries(data.looked)) lastLooks.set(element, at);
    updateTimes();
  };

  const openStream = () => {
    clearTimeout(retry);
    stream?.close();
    if (document.hidden) return;
    stream = new EventSource(`/events?after=${encodeURIComponent(after)}`);
    stream.addEventListener("swap", onSwap);
    stream.addEventListener("pulse", onPulse);
    stream.addEventListener("renew", reloadPage);
    stream.addEventListener("error", () => {
      // The browser reopens a stream that ended, but not one that was refused.
      if (stream.readyState === EventSource.CLOSED) retry = setTimeout(openStream, RETRY_AFTER + Math.random() * SPREAD);
    });
  };

  document.addEventListener("visibilitychange", () => { updateTimes(); openStream(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { updateTimes(); openStream(); } });
  setInterval(updateTimes, 1000);
  openStream();
})();
