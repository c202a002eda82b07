// Keeps the page as it is now: on "changed" it fetches itself and takes over the new <main>. Without it, the page reloads.
"use strict";
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const said = document.getElementById("said");
  const EVERY = 60_000; // where no stream can be had
  const SILENCE = 75_000; // the bot says something every 30 seconds
  const AWAY = "Not live: the bot does not answer; trying again";
  let heard = Date.now();
  let looking = false;
  let again = false;

  const incidents = () => new Map([...main.querySelectorAll("[data-incident]")].map((e) => [e.dataset.incident, e]));
  const title = () => main.querySelector("h1").textContent;

  function zone(root) {
    for (const time of root.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (at.getTimezoneOffset() === 0) continue;
      time.append(` (${at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })} your time)`);
    }
  }

  function show(next) {
    const before = { title: title(), ids: incidents() };
    const open = [...main.querySelectorAll("details[open]")].map((e) => e.id);
    const focus = main.contains(document.activeElement) ? document.activeElement.id : "";
    main.replaceChildren(...next.getElementById("main").childNodes);
    document.title = next.title;
    zone(main);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    const fresh = [...incidents()].filter(([id]) => !before.ids.has(id)).map(([, e]) => e.querySelector("h1, h3").textContent);
    const news = title() === before.title ? fresh : [title(), ...fresh];
    if (news.length) said.textContent = news.join(". ");
  }

  async function look() {
    again = looking || !getSelection().isCollapsed; // nobody's selection is taken away
    if (again) return;
    looking = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // the stream says that the bot is away
    } finally {
      looking = false;
    }
  }

  function listen() {
    const stream = new EventSource("/events");
    const watch = setInterval(() => {
      if (Date.now() - heard < SILENCE) return;
      live.textContent = AWAY; // a line that was cut without a word
      end();
      listen();
    }, SILENCE / 5);
    const end = () => { clearInterval(watch); stream.close(); };
    heard = Date.now();
    stream.addEventListener("open", () => { live.textContent = "Live"; look(); });
    stream.addEventListener("changed", () => { heard = Date.now(); live.textContent = "Live"; look(); });
    stream.addEventListener("error", () => {
      live.textContent = AWAY;
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => { end(); look(); listen(); }, EVERY);
    });
    addEventListener("pagehide", end, { once: true });
  }

  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  document.addEventListener("selectionchange", () => { if (again && getSelection().isCollapsed) look(); });
  zone(document);
  listen();
})();
