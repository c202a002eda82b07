// Keeps the page up to date: on the event "changed" it fetches itself again and replaces <main>. Without JavaScript the
// page reloads every minute.
"use strict";
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const announcement = document.getElementById("said");
  const RECONNECT_MS = 60_000; // after the server has refused a stream
  const SILENCE_MS = 75_000; // without an event; the server sends one every 30 seconds
  const DISCONNECTED = "Not live: the bot does not answer; trying again";
  let lastEventAt = Date.now();
  let isRefreshing = false;
  let isRefreshPending = false;

  const incidents = () => new Map([...main.querySelectorAll("[data-incident]")].map((e) => [e.dataset.incident, e]));
  const title = () => main.querySelector("h1").textContent;

  // Adds the reader's local time to every time, which is in UTC.
  function addLocalTimes(root) {
    for (const time of root.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (at.getTimezoneOffset() === 0) continue;
      time.append(` (${at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })} your time)`);
    }
  }

  // Replaces <main>, keeps open <details> and the focus, and announces a new title and new incidents to screen readers.
  function replaceMain(next) {
    const before = { title: title(), ids: incidents() };
    const open = [...main.querySelectorAll("details[open]")].map((e) => e.id);
    const focus = main.contains(document.activeElement) ? document.activeElement.id : "";
    main.replaceChildren(...next.getElementById("main").childNodes);
    document.title = next.title;
    addLocalTimes(main);
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
      live.textContent = DISCONNECTED; // the connection was lost without an error
      disconnect();
      connect();
    }, SILENCE_MS / 5);
    const disconnect = () => { clearInterval(watchdog); stream.close(); };
    lastEventAt = Date.now();
    stream.addEventListener("open", () => { live.textContent = "Live"; refresh(); });
    stream.addEventListener("changed", () => { lastEventAt = Date.now(); live.textContent = "Live"; refresh(); });
    stream.addEventListener("error", () => {
      live.textContent = DISCONNECTED;
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(() => { disconnect(); refresh(); connect(); }, RECONNECT_MS);
      }
    });
    addEventListener("pagehide", disconnect, { once: true });
  }

  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  document.addEventListener("selectionchange", () => { if (isRefreshPending && getSelection().isCollapsed) refresh(); });
  addLocalTimes(document);
  connect();
})();
