// Calls a real HTTP API with workers behind it: AFTERTURN_URL, with a key (AFTERTURN_API_KEY) that has every right.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Afterturn, AfterturnError, pages, type TurnOut } from "../src/index.js";

const baseUrl = process.env["AFTERTURN_URL"] ?? "http://127.0.0.1:8600";
const memory = new Afterturn({ baseUrl, apiKey: process.env["AFTERTURN_API_KEY"] });

const newUser = () => `user ${randomUUID()}`;
const turnsOf = (...texts: string[]) => texts.map((content) => ({ role: "user", content, name: "Ana" }));

/** Repeat a question until the answer is there; fail after 20 s. */
async function eventually<Answer>(ask: () => Promise<Answer | undefined>): Promise<Answer> {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert.ok(Date.now() < end, "no answer within 20 s");
    await sleep(100);
  }
}

/** Return a client of a server that answers as given. */
async function clientOf(context: TestContext, answer: RequestListener): Promise<Afterturn> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return new Afterturn({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
}

test("what is said is recalled", async () => {
  const user = newUser();
  const { turn_ids } = await memory.writeTurns(user, "chat-1", { turns: turnsOf("I live in Porto.") });
  assert.equal(turn_ids.length, 1);
  assert.equal(await memory.flush(user, "chat-1"), undefined);
  const fact = await eventually(async () => {
    const { memories } = await memory.recall(user, "chat-2", { query: "Where does Ana live?", kinds: ["fact", "turn"] });
    return memories.find(({ kind }) => kind === "fact");
  });
  assert.equal(fact.text, "Ana lives in Porto.");
  assert.equal(fact.evidence[0]?.turn_id, turn_ids[0]);
});

test("a write with an idempotency key is done once", async () => {
  const user = newUser();
  const write = () => memory.writeTurns(user, "chat", { turns: turnsOf("Hello!") }, { idempotencyKey: "message-17" });
  assert.deepEqual(await write(), await write());
  assert.equal((await memory.listTurns(user, "chat")).turns.length, 1);
});

test("an added fact is listed, corrected and retracted", async () => {
  const user = newUser();
  const texts = async () => (await memory.listFacts(user, { subject: "Ana" })).facts.map(({ text }) => text);
  const become = (wanted: string[]) =>
    eventually(async () => (JSON.stringify(await texts()) === JSON.stringify(wanted) ? true : undefined));
  const { fact_ids } = await memory.addFacts(user, { facts: [{ text: "Ana has a cat.", subject: "Ana" }] });
  await become(["Ana has a cat."]);
  const changed = await memory.changeFact(user, fact_ids[0]!, { text: "Ana has two cats." });
  await become(["Ana has two cats."]);
  await memory.retractFact(user, changed.fact_ids[0]!, {}, { idempotencyKey: randomUUID() });
  await become([]);
});

test("the pages of a list are read one after another", async () => {
  const user = newUser();
  const texts = ["one", "two", "three", "four", "five"];
  await memory.writeTurns(user, "chat", { turns: turnsOf(...texts) });
  const read: TurnOut[][] = [];
  for await (const page of pages((cursor) => memory.listTurns(user, "chat", { limit: 2, cursor }))) {
    read.unshift(page.turns);
  }
  assert.deepEqual(read.map(({ length }) => length), [1, 2, 2]);
  assert.deepEqual(read.flat().map(({ content }) => content), texts);
});

test("ids of any form reach their turns, and no others", async () => {
  const user = `${newUser()}/a?b#c%2F é`;
  for (const turn_id of ["t/1", "t 2?"]) {
    await memory.writeTurns(user, "a/b", { turns: [{ role: "user", content: turn_id, turn_id }] });
  }
  await memory.removeTurn(user, "a/b", "t/1");
  assert.deepEqual((await memory.listTurns(user, "a/b")).turns.map(({ turn_id }) => turn_id), ["t 2?"]);
  for (const id of ["", ".", ".."]) {
    assert.throws(() => memory.removeTurn(user, "a/b", id), RangeError);
  }
  assert.equal((await memory.listTurns(user, "a/b")).turns.length, 1);
});

test("JSON Lines are imported and exported", async () => {
  const user = newUser();
  const line = JSON.stringify({ role: "user", content: "I live in Braga.", at: "2024-05-01T10:00:00Z" });
  const { import_id } = await memory.importTurns(user, `${line}\n`, { session_id: "old" });
  await eventually(async () => ((await memory.getImport(user, import_id)).state === "completed" ? true : undefined));
  const exported = (await memory.exportUser(user)).trim().split("\n");
  assert.ok(exported.map((record) => JSON.stringify(JSON.parse(record))).some((record) => record.includes("Braga")));
});

test("an error has a status, a code and a detail", async () => {
  const isError = (status: number, code: string) => (error: unknown) => {
    assert.ok(error instanceof AfterturnError);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.ok(error.detail && error.message.includes(error.detail));
    return true;
  };
  const stranger = new Afterturn({ baseUrl, apiKey: async () => "wrong" });
  await assert.rejects(memory.writeTurns("ana", "chat", { turns: [] }), isError(422, "invalid_input"));
  await assert.rejects(memory.changeFact("ana", randomUUID(), { pinned: true }), isError(404, "not_found"));
  await assert.rejects(stranger.listTurns("ana", "chat"), isError(401, "unauthorized"));
});

test("an error of a proxy has no code", async (context) => {
  const client = await clientOf(context, (_, answer) => answer.writeHead(502, { "retry-after": "7" }).end("<html>"));
  await assert.rejects(client.listTurns("ana", "chat"), (error: unknown) => {
    assert.ok(error instanceof AfterturnError);
    assert.deepEqual([error.status, error.code, error.body], [502, undefined, "<html>"]);
    assert.equal(error.headers.get("retry-after"), "7");
    return true;
  });
});

test("a redirect is not followed", async (context) => {
  const client = await clientOf(context, (_, answer) => answer.writeHead(307, { location: `${baseUrl}/healthz` }).end());
  await assert.rejects(client.checkHealth(), TypeError);
});

test("a call ends after its time, or by its signal", async (context) => {
  const client = await clientOf(context, () => undefined);
  await assert.rejects(client.checkHealth({ timeoutSeconds: 0.05 }), { name: "TimeoutError" });
  const controller = new AbortController();
  const call = client.checkHealth({ signal: controller.signal, timeoutSeconds: Infinity });
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
});
