// How a call becomes a request, and an answer a value or an error.

import { AfterturnError } from "./errors.js";

/** Where the HTTP API is, and who calls it. */
export interface AfterturnOptions {
  /** Such as `http://127.0.0.1:8600`. */
  baseUrl: string;
  /** A key (`at_…`) or a JSON web token. A function is called before each request. */
  apiKey?: string | (() => string | Promise<string>) | undefined;
  /** The longest time that a call takes, seconds. 30 by default; `Infinity`: no limit. */
  timeoutSeconds?: number | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

export interface CallOptions {
  /** Ends the call. The memory may have done it nevertheless. */
  signal?: AbortSignal | undefined;
  /** In place of the client's. */
  timeoutSeconds?: number | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Makes the call safe to repeat: with the same key it is done once. 1 to 255 visible ASCII characters. */
  idempotencyKey?: string | undefined;
}

interface Content {
  body?: unknown;
  /** Of a body that is text; without it, the body is sent as JSON. */
  contentType?: string;
  query?: object | undefined;
  options?: WriteOptions | undefined;
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json\b/i;

/** Build a path. Ids are percent-encoded. Throws RangeError for ids that cannot be in a URL: it would name another call. */
export function path(parts: TemplateStringsArray, ...ids: string[]): string {
  const refused = ids.find((id) => ["", ".", ".."].includes(id));
  if (refused !== undefined) throw new RangeError(`${JSON.stringify(refused)} cannot be an id in a path`);
  return String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}

export class Transport {
  readonly #options: AfterturnOptions;

  constructor(options: AfterturnOptions) {
    this.#options = options;
  }

  /**
   * Send one request. Nothing is repeated.
   *
   * Throws AfterturnError for each answer that is an error, what `fetch` throws if there is no answer, and a
   * DOMException named TimeoutError after the time limit.
   */
  protected async call<Result>(method: string, path: string, content: Content): Promise<Result> {
    const { baseUrl, fetch = globalThis.fetch } = this.#options;
    const url = baseUrl.replace(/\/+$/, "") + path + queryString(content.query);
    const { body = null, contentType } = content;
    const response = await fetch(url, {
      method,
      headers: await this.#headers(content),
      body: contentType || body === null ? (body as string | null) : JSON.stringify(body),
      signal: this.#signal(content.options),
      // A redirected POST would become a GET.
      redirect: "error",
    });
    const text = await response.text();
    if (!response.ok) throw new AfterturnError(response, text);
    const answered = response.headers.get("content-type");
    if (answered === null) return undefined as Result;
    return (JSON_TYPE.test(answered) ? JSON.parse(text) : text) as Result;
  }

  async #headers({ body, contentType = "application/json", options }: Content): Promise<Headers> {
    const headers = new Headers();
    const { apiKey } = this.#options;
    const key = typeof apiKey === "function" ? await apiKey() : apiKey;
    if (key) headers.set("authorization", `Bearer ${key}`);
    if (body !== undefined) headers.set("content-type", contentType);
    if (options?.idempotencyKey !== undefined) headers.set("idempotency-key", options.idempotencyKey);
    return headers;
  }

  #signal(options: CallOptions = {}): AbortSignal {
    const seconds = options.timeoutSeconds ?? this.#options.timeoutSeconds ?? 30;
    const limits = Number.isFinite(seconds) ? [AbortSignal.timeout(seconds * 1000)] : [];
    return AbortSignal.any(options.signal ? [options.signal, ...limits] : limits);
  }
}

function queryString(query: object = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) parameters.append(name, String(item));
    }
  }
  const text = parameters.toString();
  return text && `?${text}`;
}
