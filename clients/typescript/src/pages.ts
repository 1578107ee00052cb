/**
 * Read the pages of a list, one after another.
 *
 * `for await (const page of pages((cursor) => memory.listFacts("ana", { cursor }))) { … }`
 */
export async function* pages<Page extends { next_cursor: string | null }>(
  read: (cursor: string | null) => Promise<Page>,
): AsyncGenerator<Page, void> {
  let cursor: string | null = null;
  do {
    const page: Page = await read(cursor);
    yield page;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
