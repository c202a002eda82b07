// Asks a Brownout bot before a retry: is it safe to retry this service, at which load, and when is this client's turn?
// One file without dependencies, for Node 18 and later, Deno, Bun and browsers. Copy it into your project:
//   curl -fsSO http://127.0.0.1:8787/clients/gate.ts
// The manual is the bot's page gate-client. Times in answers are the bot's and are never compared with this clock.

export type Verdict = "retry_normally" | "retry_gently" | "hold_off" | "fail_over" | "unknown";
export type OnUnknown = "open" | "closed";

export interface GateOptions {
  /** The bot's address; without it $BROWNOUT_URL, or port 8787 of this machine. */
  bot?: string;
  /** A name for this client that stays the same: it gives the client its slot after an outage. */
  client?: string;
  /** What to do while no bot answers, or the bot knows nothing: "open" sends, "closed" does not. */
  onUnknown?: OnUnknown;
  /**
   * A token of the bot: sends counts of outcomes, and reads where the bot is not public. Without it $BROWNOUT_TOKEN;
   * without both nothing is counted.
   */
  token?: string;
  /** How long an answer may take, in milliseconds. */
  askTimeoutMs?: number;
  /** Milliseconds between two reports of outcomes. */
  reportEveryMs?: number;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
  /** A monotonic clock, in milliseconds. */
  clock?: () => number;
}

export interface Answer {
  service: string;
  verdict: Verdict;
  /** Whether this client may send now. */
  maySend: boolean;
  /** The share of the usual load that may be sent, from 0 to 1. */
  exposure: number;
  /** Milliseconds until this client may send, or asks again. */
  waitMs: number;
  /** One sentence for people. */
  reason: string;
  /** The id of a service to use instead, if there is one. */
  instead: string | null;
  /** How many attempts one request may have. */
  maxAttempts: number;
  backoffBaseMs: number;
  backoffCapMs: number;
  /** False if no bot answered; then `reason` says why. */
  isFromBot: boolean;
  /** How long the bot vouches for it, in milliseconds from its arrival. */
  lifetimeMs: number;
}

/** The gate did not open in time; `answer` is the last answer. */
export class GateTimeoutError extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(answer.reason);
    this.name = "GateTimeoutError";
    this.answer = answer;
  }
}

/** The bot has no service with this id; the message names the closest ones. */
export class ServiceNotFoundError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ServiceNotFoundError";
  }
}

const CACHE_MS = 5_000;
const KEPT_FOR_MS = 600_000;
const MAX_VENDOR_WAIT_MS = 60_000;
const NOT_DONE = new Set([429, 503, 529]);
const MAYBE_DONE = new Set([408, 500, 502, 504]);
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const VERDICTS = new Set<string>(["retry_normally", "retry_gently", "hold_off", "fail_over", "unknown"]);

type Environment = Record<string, string | undefined>;

function environment(): Environment {
  return (globalThis as { process?: { env?: Environment } }).process?.env ?? {};
}

function bounded(value: unknown, otherwise: number, least: number, most: number): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.min(Math.max(value, least), most) : otherwise;
}

export class Gate {
  readonly service: string;
  readonly url: string;
  readonly client: string;
  onUnknown: OnUnknown;
  readonly outcomes: OutcomeReporter | null;
  private readonly askTimeoutMs: number;
  private readonly headers: Record<string, string>;
  private readonly send: typeof fetch;
  private readonly sleep: (ms: number) => Promise<void>;
  private readonly clock: () => number;
  private answer: Answer | null = null;
  private useUntil = 0;
  private asking: Promise<Answer> | null = null;
  private share = Math.random(); // so that of many clients the right share passes at once

  constructor(service: string, options: GateOptions = {}) {
    const env = environment();
    this.service = service;
    this.url = (options.bot ?? env["BROWNOUT_URL"] ?? "http://127.0.0.1:8787").replace(/\/+$/, "");
    this.client = options.client ?? env["HOSTNAME"] ?? Math.random().toString(36).slice(2);
    this.onUnknown = options.onUnknown ?? "open";
    this.askTimeoutMs = options.askTimeoutMs ?? 1_000;
    this.send = options.fetch ?? ((input, init) => fetch(input, init));
    this.sleep = options.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
    this.clock = options.clock ?? (() => performance.now());
    const token = options.token ?? env["BROWNOUT_TOKEN"];
    this.headers = token ? { authorization: `Bearer ${token}` } : {};
    this.outcomes = token
      ? new OutcomeReporter(service, this.url, token, this.client, this.send, options.reportEveryMs ?? 60_000)
      : null;
  }

  /** The bot's answer, at most five seconds old. Throws ServiceNotFoundError. */
  async ask(): Promise<Answer> {
    if (this.answer && this.clock() < this.useUntil) return this.answer;
    this.asking ??= this.askBot().finally(() => (this.asking = null));
    return this.asking;
  }

  /** Whether this client may send a request now. At an exposure of 0.1, it says yes to one call in ten. */
  async ok(): Promise<boolean> {
    return this.passes(await this.ask());
  }

  /** Waits until this client may send. Throws GateTimeoutError if it may not by then, or ServiceNotFoundError. */
  async wait({ timeoutMs }: { timeoutMs: number }): Promise<Answer> {
    const deadline = this.clock() + timeoutMs;
    for (let attempt = 0; ; attempt++) {
      const answer = await this.ask();
      if (this.passes(answer)) return answer;
      const pause = answer.maySend
        ? Math.max(50, backoffMs(answer, attempt + 1)) // not among the share
        : answer.waitMs * (1 + 0.1 * Math.random());
      if (this.clock() + pause > deadline) throw new GateTimeoutError(answer);
      await this.sleep(pause);
    }
  }

  /**
   * A `fetch` that asks before each retry, never before a first try. `retries` is how often a failed request is sent
   * again; `waitMs` how long a retry may wait for the gate. What fails then is returned as it came.
   */
  fetch({ retries = 2, waitMs = 0 }: { retries?: number; waitMs?: number } = {}): typeof fetch {
    return async (input, init) => {
      const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      const isSafe = IDEMPOTENT.has(method) || headers.has("idempotency-key");
      const isOnce = input instanceof Request || init?.body instanceof ReadableStream;
      for (let attempt = 0; ; attempt++) {
        let response: Response | null = null;
        let error: unknown;
        try {
          response = await this.send(input, init);
          this.outcomes?.count(response.status < 400 ? "ok" : String(response.status));
        } catch (caught) {
          error = caught;
          const name = caught instanceof Error ? caught.name : "";
          if (name === "AbortError") throw caught;
          this.outcomes?.count(name === "TimeoutError" ? "timeout" : "connection");
        }
        const mayRepeat =
          response === null
            ? isSafe
            : NOT_DONE.has(response.status) || (isSafe && MAYBE_DONE.has(response.status));
        const pause = mayRepeat && !isOnce && attempt < retries ? await this.pauseMs(attempt, waitMs, response) : null;
        if (pause === null) {
          if (response === null) throw error;
          return response;
        }
        await response?.body?.cancel();
        await this.sleep(pause);
      }
    };
  }

  /** How long to wait before the next attempt; null where there should be none. */
  private async pauseMs(attempt: number, waitMs: number, response: Response | null): Promise<number | null> {
    let answer: Answer;
    try {
      answer = await this.wait({ timeoutMs: waitMs });
    } catch (error) {
      if (error instanceof GateTimeoutError) return null;
      if (!(error instanceof ServiceNotFoundError)) throw error;
      answer = this.unknown(error.message);
      if (!answer.maySend) return null;
    }
    if (answer.verdict !== "unknown" && attempt + 1 >= Math.max(answer.maxAttempts, 1)) return null;
    const vendorMs = 1000 * (Number(response?.headers.get("retry-after") ?? 0) || 0);
    return vendorMs > MAX_VENDOR_WAIT_MS ? null : Math.max(backoffMs(answer, attempt), vendorMs);
  }

  private async askBot(): Promise<Answer> {
    let answer: Answer;
    try {
      const path = `/v1/surfaces/${encodeURIComponent(this.service)}/retry?client=${encodeURIComponent(this.client)}`;
      const response = await this.send(this.url + path, {
        headers: this.headers,
        redirect: "manual",
        signal: AbortSignal.timeout(this.askTimeoutMs),
      });
      answer = this.read(response, (await response.json().catch(() => null)) as unknown);
    } catch (error) {
      if (error instanceof ServiceNotFoundError) throw error;
      answer = this.unknown(`no bot answers at ${this.url} (${error instanceof Error ? error.name : "error"})`);
    }
    const lifetime = Math.min(CACHE_MS, answer.lifetimeMs);
    this.answer = answer;
    this.useUntil = this.clock() + (answer.maySend ? lifetime : Math.min(lifetime, answer.waitMs));
    return answer;
  }

  private read(response: Response, body: unknown): Answer {
    const form = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    if (response.status === 404 && "detail" in form) throw new ServiceNotFoundError(String(form["detail"]));
    const verdict = String(form["verdict"]);
    if (![200, 429, 503].includes(response.status) || !VERDICTS.has(verdict)) {
      return this.unknown(`the bot answered HTTP ${response.status}`);
    }
    const isUnknown = verdict === "unknown";
    const backoff = (form["backoff"] ?? {}) as Record<string, unknown>;
    const answeredAt = Date.parse(response.headers.get("date") ?? "");
    const validFor = Date.parse(String(form["valid_until"])) - answeredAt;
    return {
      service: this.service,
      verdict: verdict as Verdict,
      maySend: isUnknown ? this.onUnknown === "open" : response.status === 200,
      exposure: isUnknown ? 1 : bounded(form["exposure"], 0, 0, 1),
      waitMs: 1000 * bounded(form["retry_after_s"], 60, 1, 120),
      reason: String(form["reason"] ?? "").slice(0, 500),
      instead: typeof form["instead"] === "string" ? form["instead"] : null,
      maxAttempts: bounded(form["max_attempts"], 3, 0, 100),
      backoffBaseMs: 1000 * bounded(backoff["base_s"], 1, 0.01, 60),
      backoffCapMs: 1000 * bounded(backoff["cap_s"], 60, 0.01, 3600),
      isFromBot: true,
      lifetimeMs: Number.isNaN(answeredAt) ? CACHE_MS : Math.max(0, validFor || 0),
    };
  }

  private unknown(reason: string): Answer {
    return {
      service: this.service,
      verdict: "unknown",
      maySend: this.onUnknown === "open",
      exposure: 1,
      waitMs: CACHE_MS,
      reason: `Unknown: ${reason}.`,
      instead: null,
      maxAttempts: 3,
      backoffBaseMs: 1_000,
      backoffCapMs: 60_000,
      isFromBot: false,
      lifetimeMs: CACHE_MS,
    };
  }

  /** Whether this call is among the share that may pass: one of ten at an exposure of 0.1. */
  private passes(answer: Answer): boolean {
    if (!answer.maySend || answer.exposure >= 1) return answer.maySend;
    this.share += answer.exposure;
    if (this.share < 1) return false;
    this.share -= 1;
    return true;
  }
}

function backoffMs(answer: Answer, attempt: number): number {
  return Math.random() * Math.min(answer.backoffCapMs, answer.backoffBaseMs * 2 ** Math.min(attempt, 30));
}

/** Counts outcomes and sends them once a minute, by the bot's clock. Counts stay while the bot is away. */
export class OutcomeReporter {
  private counts = new Map<string, number>();
  private since = Date.now();
  private skewMs = 0; // the bot's clock minus this machine's
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly service: string,
    private readonly url: string,
    private readonly token: string,
    private readonly client: string,
    private readonly send: typeof fetch,
    private readonly everyMs: number,
  ) {}

  /** Counts requests: "ok", a status of 400 or more, "timeout" or "connection". */
  count(outcome: string, number = 1): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + number);
    if (this.timer === null) {
      this.timer = setTimeout(() => void this.flush(), this.everyMs);
      (this.timer as unknown as { unref?: () => void }).unref?.(); // does not keep the process alive
    }
  }

  /** Sends what was counted since the last report; call it before the process ends. Never throws. */
  async flush(): Promise<boolean> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const counts = this.counts;
    const since = this.since;
    const until = Date.now();
    this.counts = new Map();
    this.since = until;
    if (counts.size === 0 || (await this.post(counts, since, until))) return true;
    if (until - since < KEPT_FOR_MS) {
      this.since = since;
      for (const [outcome, number] of counts) this.count(outcome, number);
    }
    return false;
  }

  private async post(counts: Map<string, number>, since: number, until: number, isAgain = false): Promise<boolean> {
    const at = (ms: number) => new Date(ms + this.skewMs).toISOString();
    const errors = Object.fromEntries([...counts].filter(([outcome]) => outcome !== "ok"));
    const body = { surface: this.service, since: at(since), until: at(until), ok: counts.get("ok") ?? 0, errors };
    try {
      const response = await this.send(`${this.url}/v1/outcomes`, {
        method: "POST",
        headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
        body: JSON.stringify({ ...body, client: this.client }),
        signal: AbortSignal.timeout(5_000),
      });
      await response.body?.cancel();
      const skewMs = Date.parse(response.headers.get("date") ?? "") - Date.now();
      if (!Number.isNaN(skewMs)) this.skewMs = Math.abs(skewMs) > 2_000 ? skewMs : 0;
      if (response.status === 422 && !isAgain) return this.post(counts, since, until, true);
      return response.ok;
    } catch {
      return false;
    }
  }
}

/** A gate for one service, such as "claude-api". */
export function gate(service: string, options: GateOptions = {}): Gate {
  return new Gate(service, options);
}
