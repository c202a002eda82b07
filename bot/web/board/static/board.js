// Keeps the page up to date: on the event "changed" it fetches itself again and replaces <main>. Without JavaScript the
// page reloads every minute.
"use strict";
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const announcement = document.getElementById("said");
  const RECONNECT_MS = 60_000; // after the server has refused a stream
  const SILENCE_MS = 75_000; // without an event; the server sends one every 30 seconds
  const STALE_MS = 120_000; // without a connection, after which the banner turns grey
  const DISCONNECTED = "Not live: the bot does not answer; trying again";
  let lostAt = 0;
  let lastEventAt = Date.now();
  let isRefreshing = false;
  let isRefreshPending = false;

  const incidents = () => new Map([...main.querySelectorAll("[data-incident]")].map((e) => [e.dataset.incident, e]));
  const title = () => main.querySelector("h1").textContent;

  // Shows every time in the reader's zone; the title keeps UTC, and the header names the zone once.
  function showLocalTimes(root) {
    const today = new Date().toDateString();
    for (const time of root.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime()) || at.getTimezoneOffset() === 0) continue;
      const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: at.getFullYear() === new Date().getFullYear() ? undefined : "numeric" });
      time.textContent = at.toDateString() === today ? clock : `${day} ${clock}`;
    }
  }

  function showZone() {
    const zone = document.getElementById("zone");
    if (zone && new Date().getTimezoneOffset() !== 0) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  function showLive() {
    const now = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    live.textContent = `Live · ${now}`;
    lostAt = 0;
    document.body.classList.remove("stale");
  }

  function showDisconnected() {
    lostAt ||= Date.now();
    live.textContent = DISCONNECTED;
    if (Date.now() - lostAt > STALE_MS) document.body.classList.add("stale");
  }

  // Whether an event concerns this page: a page about one provider names it; the others show everything.
  function concerns(data) {
    const shown = document.body.dataset.provider;
    if (!shown) return true;
    try { return JSON.parse(data).providers.length === 0 || JSON.parse(data).providers.includes(shown); } catch { return true; }
  }

  // Replaces <main>, keeps open <details> and the focus, and announces a new title and new incidents to screen readers.
  function replaceMain(next) {
    const before = { title: title(), ids: incidents() };
    const open = [...main.querySelectorAll("details[open]")].map((e) => e.id);
    const focus = main.contains(document.activeElement) ? document.activeElement.id : "";
    main.replaceChildren(...next.getElementById("main").childNodes);
    document.title = next.title;
    const icon = next.querySelector("link[rel=icon]");
    if (icon) document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
    showLocalTimes(main);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    const added = [...incidents()].filter(([id]) => !before.ids.has(id)).map(([, e]) => e.querySelector("h1, h3").textContent);
    const news = title() === before.title ? added : [title(), ...added];
    if (news.length) announcement.textContent = news.join(". ");
  }

  async function refresh() {
    isRefreshPending = isRefreshing || !getSelection().isCollapsed; // replacing <main> would clear the selection
    if (isRefreshPending) return;
    isRefreshing = true;
    try {
      const response = await fetch(location.href, { cache: "no-store" });
      if (response.ok) replaceMain(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // the stream shows that the bot does not answer
    } finally {
      isRefreshing = false;
    }
  }

  function connect() {
    const stream = new EventSource("/events");
    const watchdog = setInterval(() => {
      if (Date.now() - lastEventAt < SILENCE_MS) return;
      showDisconnected(); // the connection was lost without an error
      disconnect();
      connect();
    }, SILENCE_MS / 5);
    const disconnect = () => { clearInterval(watchdog); stream.close(); };
    lastEventAt = Date.now();
    stream.addEventListener("open", () => { showLive(); refresh(); });
    stream.addEventListener("changed", (event) => { lastEventAt = Date.now(); showLive(); if (concerns(event.data)) refresh(); });
    stream.addEventListener("error", () => {
      showDisconnected();
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(() => { disconnect(); refresh(); connect(); }, RECONNECT_MS);
      }
    });
    addEventListener("pagehide", disconnect, { once: true });
  }

  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  document.addEventListener("selectionchange", () => { if (isRefreshPending && getSelection().isCollapsed) refresh(); });
  showLocalTimes(document);
  showZone();
  connect();
})();
