/** The HTTP API answered with an error. `code` is stable; the reference of the HTTP API lists the codes. */
export class AfterturnError extends Error {
  override readonly name = "AfterturnError";
  /** The HTTP status. */
  readonly status: number;
  /** Undefined if the answer is not the API's, but a proxy's. */
  readonly code: string | undefined;
  /** For humans; it may change. */
  readonly detail: string;
  /** Of the answer, such as `retry-after`. */
  readonly headers: Headers;
  /** The answer as it came. */
  readonly body: string;

  constructor({ status, statusText, headers }: Response, text: string) {
    const { code, detail = statusText } = problemOf(text);
    super(`${code ?? "error"} (HTTP ${status}): ${detail}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.headers = headers;
    this.body = text;
  }
}

/** Return the fields of a problem document (RFC 9457), or nothing if the text is none. */
function problemOf(text: string): { code?: string; detail?: string } {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
