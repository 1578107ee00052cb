// Write src/*.gen.ts from docs/reference/openapi.json. With --check: write nothing, and exit with 1 if a file is stale.
//
// openapi-typescript makes the types. The class with one method per operation is made here: ids of the path first, then
// the body, the query and the options.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const HEADER = "// Generated from docs/reference/openapi.json by `make typescript`. Do not edit.\n\n";
const document = JSON.parse(readFileSync(new URL("../../docs/reference/openapi.json", import.meta.url), "utf8"));
const schemas = { ...document.components.schemas };
/** The names of types that the methods mention. */
const used = new Set();

const pascal = (name) => name.replace(/(^|_)(\w)/g, (_, _before, letter) => letter.toUpperCase());
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** Return the name of a schema's type. A schema without a name gets the given one. */
function typeOf(schema, name) {
  if (schema.type === "string") return "string";
  const type = schema.$ref ? schema.$ref.split("/").at(-1) : name;
  if (!schema.$ref && name in schemas) throw new Error(`two types would be named ${name}`);
  if (!schema.$ref) schemas[name] = schema;
  used.add(type);
  return type;
}

/** Return the media type and the schema of a body or an answer; JSON, if there are several. */
function contentOf({ content = {} }) {
  const [media] = Object.keys(content).sort((one, other) => other.includes("json") - one.includes("json"));
  return media && { media, schema: content[media].schema };
}

/** Return the type of the query, whose fields are the parameters. */
function queryOf({ operationId, parameters }) {
  const fields = parameters.filter((parameter) => parameter.in === "query");
  if (!fields.length) return undefined;
  const properties = fields.map(({ name, description, schema }) => [name, { description, ...schema }]);
  const required = fields.filter((field) => field.required).map((field) => field.name);
  const type = { type: "object", properties: Object.fromEntries(properties), required };
  return { name: typeOf(type, `${pascal(operationId)}Query`), isRequired: required.length > 0 };
}

/** Return the type of what a call returns. */
function resultOf({ operationId, responses }) {
  const answers = Object.entries(responses).filter(([status]) => status.startsWith("2"));
  const content = answers.map(([, answer]) => contentOf(answer)).find(Boolean);
  return content ? typeOf(content.schema, `${pascal(operationId)}Result`) : "void";
}

/** Return the parameter of the body, and what of it is sent. Methods return whole answers, not streams. */
function bodyOf({ operationId, requestBody, responses }) {
  const { media, schema } = contentOf(requestBody);
  const type = typeOf(schema, `${pascal(operationId)}Body`);
  const name = `body${requestBody.required ? "" : "?"}`;
  if (type === "string") return { parameter: `${name}: string`, sent: `body, contentType: "${media}"` };
  if (media !== "application/json") throw new Error(`${operationId}: a body of ${media} is not supported`);
  if (Object.values(responses).some(({ content = {} }) => "text/event-stream" in content)) {
    return { parameter: `${name}: Omit<${type}, "stream">`, sent: "body: { ...body, stream: false }" };
  }
  return { parameter: `${name}: ${type}`, sent: "body" };
}

/** Return the parameters of a method, and what of them is sent besides the path. */
function signatureOf(path, operation) {
  const { parameters = [], requestBody } = operation;
  const body = requestBody && bodyOf(operation);
  const query = queryOf({ ...operation, parameters });
  const isWrite = parameters.some((parameter) => parameter.in === "header" && parameter.name === "idempotency-key");
  const signature = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, id]) => `${camel(id)}: string`),
    body?.parameter,
    query && `query${query.isRequired ? "" : "?"}: ${query.name}`,
    `options?: ${isWrite ? "WriteOptions" : "CallOptions"}`,
  ];
  const sent = [body?.sent, query && "query", "options"];
  return { signature: signature.filter(Boolean).join(", "), sent: sent.filter(Boolean).join(", ") };
}

/** Return the source of one method. */
function methodOf(path, verb, operation) {
  const { operationId, summary, description } = operation;
  const { signature, sent } = signatureOf(path, operation);
  const place = path.replace(/\{(\w+)\}/g, (_, id) => `\${${camel(id)}}`);
  const comment = [`${summary}.`, "", ...description.replaceAll("*/", "*\\/").split("\n")];
  return [
    "  /**",
    ...comment.map((line) => `   * ${line}`.trimEnd()),
    "   */",
    `  ${camel(operationId)}(${signature}): Promise<${resultOf(operation)}> {`,
    `    return this.call("${verb.toUpperCase()}", path\`${place}\`, { ${sent} });`,
    "  }",
  ].join("\n");
}

/** Return the module with the client. Adds the types of queries to `schemas`. */
function clientModule() {
  const methods = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([verb, operation]) => methodOf(path, verb, operation)),
  );
  const list = (names) => `{\n${names.sort().map((name) => `  ${name},\n`).join("")}} from "./schema.gen.js";`;
  return `${HEADER}import type ${list([...used])}
import { type CallOptions, path, Transport, type WriteOptions } from "./transport.js";

export type ${list(Object.keys(schemas))}

/** The HTTP API of afterturn: one method per call. Fields have the names that they have over HTTP. */
export class Afterturn extends Transport {
${methods.join("\n\n")}
}
`;
}

/** Return the module with the types. */
async function schemaModule() {
  const options = { defaultNonNullable: false, rootTypes: true, rootTypesNoSchemaPrefix: true };
  return HEADER + astToString(await openapiTS({ ...document, paths: {}, components: { schemas } }, options));
}

const files = { "src/afterturn.gen.ts": clientModule(), "src/schema.gen.ts": await schemaModule() };
for (const [name, text] of Object.entries(files)) {
  const file = new URL(name, import.meta.url);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (process.argv.includes("--check")) {
    console.error(`${name} is not up to date: run \`make typescript\``);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
  }
}
