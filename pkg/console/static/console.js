// Keeps a page current: it is fetched again every two seconds, and its parts
// marked data-live are replaced. Everything works without this file, too.
(() => {
  "use strict";
  const every = 2000;
  const button = document.getElementById("live");
  const stale = document.getElementById("stale");
  let paused = false, busy = false, timer = 0;

  // What a reader has opened, or is choosing in, stays as it is.
  const inUse = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, select");

  function replace(part, fresh) {
    if (part.innerHTML === fresh.innerHTML || inUse(part)) return;
    const open = [...part.querySelectorAll("details[open]")].map((d) => d.id);
    const known = new Set([...part.querySelectorAll("[data-key]")].map((row) => row.dataset.key));
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.innerHTML = fresh.innerHTML;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (known.size) for (const row of part.querySelectorAll("[data-key]")) row.classList.toggle("fresh", !known.has(row.dataset.key));
    if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  }

  async function renew() {
    if (busy || paused || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(5000) });
      if (answer.redirected) return location.reload(); // the session ended
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.getAttribute("id")); // a form’s .id may be its field of that name
        if (fresh) replace(part, fresh);
      }
      show(true);
    } catch {
      show(false);
    } finally {
      busy = false;
    }
  }

  function show(alive) {
    stale.hidden = alive;
    button.classList.toggle("lost", !alive);
    if (!paused) button.textContent = alive ? "Live" : "Not live";
    if (alive) document.getElementById("stale-since").textContent = document.getElementById("as-of").textContent;
  }

  function pause() {
    paused = !paused;
    button.textContent = paused ? "Paused" : "Live";
    button.setAttribute("aria-pressed", String(!paused));
    if (!paused) renew();
  }

  if (button) {
    button.hidden = false;
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", pause);
    timer = setInterval(renew, every);
    document.addEventListener("visibilitychange", renew);
    addEventListener("pagehide", () => clearInterval(timer));
  }

  // A choice is applied at once; a page on its way shows as such.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    document.body.classList.add("loading");
    if (event.target.matches("form[data-auto]")) for (const field of event.target.elements) if (!field.value) field.disabled = true;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='/'], a[href^='?']");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) document.body.classList.add("loading");
  });
  addEventListener("pageshow", () => {
    document.body.classList.remove("loading");
    for (const field of document.querySelectorAll("form[data-auto] :disabled")) field.disabled = false;
  });

  // The numbers of a step beside the pointer, at once and on touch as well.
  const tip = document.body.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  function point(event) {
    const hit = event.target.closest?.("[data-tip]");
    tip.hidden = !hit;
    if (!hit) return;
    hit.querySelector("title")?.remove();
    tip.textContent = hit.dataset.tip;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${Math.max(event.clientY - tip.offsetHeight - 10, 8)}px`;
  }
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);
  document.documentElement.classList.add("script");
})();
