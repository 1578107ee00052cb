export * from "./afterturn.gen.js";
export { AfterturnError } from "./errors.js";
export { pages } from "./pages.js";
export type { AfterturnOptions, CallOptions, WriteOptions } from "./transport.js";
