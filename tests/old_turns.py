"""Lines of a file with old turns."""


def line(content, *, user="ana", session="old", at="2023-05-08T13:56:00+00:00", **more):
    return {"user": user, "session": session, "role": "user", "content": content, "at": at} | more


def many(count, *, users=1):
    return [
        line(f"I own {number + 2} red bicycles.", user=f"user{number % users}", session=f"old{number // 500}")
        for number in range(count)
    ]


def count(database, table, condition="true"):
    return database.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]
