"""Market data, documents, the mailing list, and the two addresses of the workflow language's conformance features."""

from __future__ import annotations

import itertools

import httpx
from jsonschema import Draft4Validator

from tests.described import Described
from tests.vendor_world import Outside


async def test_a_batch_is_the_same_each_time_and_holds_what_goes_wrong_in_feeds(world: Outside) -> None:
    async with Described("market", world.url("market")) as api:
        ticks = (await api.call("listTicks", batch="ACME-2026-11-20"))["items"]
        assert (await api.call("listTicks", batch="ACME-2026-11-20"))["items"] == ticks
        sequences = [tick["sequence"] for tick in ticks]
        assert len(sequences) == len(set(sequences)) + 1
        assert max(after - before for before, after in itertools.pairwise(sequences)) == 4
        usual = sorted(tick["price"] for tick in ticks)[len(ticks) // 2]
        assert [tick for tick in ticks if tick["price"] > usual * 5]
        assert [tick for tick in ticks if tick["price"] < 0]
        assert [tick for tick in ticks if tick["volume"] is None]
        assert [tick for tick in ticks if tick["at"] < "2026-11-20"]
        for unknown in ("ACME-2026-11-21", "NOPE-2026-11-20", "ACME"):
            assert await api.call("getBatch", id=unknown, refused=404) == "not_found"
        await api.call("publishBatch", {"reference": "MD-1"}, id="ACME-2026-11-20")
        late = {"reference": "MD-1", "sequences": [1], "reason": "Odd"}
        assert await api.call("quarantineTicks", late, id="ACME-2026-11-20", refused=409) == "already_published"


async def test_only_an_approved_document_is_published_and_nobody_is_overwritten(world: Outside) -> None:
    async with Described("documents", world.url("documents")) as api:
        one = {"id": "post-launch"}
        assert await api.call("setDocumentStatus", {"status": "published"}, refused=409, **one) == "not_approved"
        await api.call("setDocumentStatus", {"status": "in_review", "expected_version": 1}, **one)
        stale = {"status": "approved", "expected_version": 1}
        assert await api.call("setDocumentStatus", stale, refused=409, **one) == "version_conflict"
        assert await api.call("getDocument", id="unknown-1", refused=404) == "not_found"
        review = {"reference": "REV-1", "reviewer": "ann", "verdict": "approve"}
        made = await api.call("recordReview", review, **one)
        wrong = {"review": made["id"], "id": "post-injected"}
        assert await api.call("withdrawReview", {}, refused=404, **wrong) == "not_found"


async def test_opens_and_clicks_are_counted_and_a_looked_at_link_unsubscribes_nobody(world: Outside) -> None:
    async with (
        Described("mailing", world.url("mailing")) as api,
        httpx.AsyncClient(base_url=world.url("mailing"), trust_env=False) as reader,
    ):
        mail = {"reference": "C-1/1", "contact_id": "ann", "campaign": "cart", "subject": "Hi", "text": "Text"}
        made = await api.call("sendMessage", mail | {"link": "https://shop.example.com/cart"})
        pixel = await reader.get(made["open_path"])
        assert (pixel.headers["content-type"], pixel.content[:3]) == ("image/gif", b"GIF")
        click = await reader.get(made["click_path"])
        assert (click.status_code, click.headers["location"]) == (302, "https://shop.example.com/cart")
        seen = await api.call("getMessage", id=made["id"])
        assert (seen["opens"], seen["clicks"]) == (1, 1)
        assert "<form" in (await reader.get(made["unsubscribe_path"])).text
        assert (await api.call("getContact", id="ann"))["subscribed"] is True
        for _ in range(2):
            assert (await reader.post(made["unsubscribe_path"])).status_code == 200
        assert await api.call("sendMessage", mail, refused=409) == "unsubscribed"
        kinds = [event["type"] for event in (await api.call("listEvents", id="ann"))["items"]]
        assert kinds == ["open", "click", "unsubscribe"]
        assert (await reader.get("/t/o/forged.gif")).status_code == 404
        odd = mail | {"contact_id": "bob", "link": "javascript:alert(1)"}
        assert await api.call("sendMessage", odd, refused=422) == "invalid_field"


async def test_the_pet_store_answers_as_its_own_document_says(world: Outside) -> None:
    async with httpx.AsyncClient(base_url=f"{world.url('petstore')}/v2", trust_env=False) as client:
        document = (await client.get("/swagger.json")).json()
        assert (document["swagger"], document["host"], document["basePath"]) == ("2.0", "petstore.swagger.io", "/v2")
        operations = {way["operationId"] for path in document["paths"].values() for way in path.values()}
        assert operations == {"findPetsByStatus", "getPetById"}
        pets = await client.get("/pet/findByStatus", params={"status": "available"})
        assert pets.headers["content-type"] == "application/json"
        assert len(pets.json()) == 2
        check = Draft4Validator({"$ref": "#/definitions/Pet", "definitions": document["definitions"]})
        for pet in [*pets.json(), (await client.get("/pet/1")).json(), (await client.get("/pet/2")).json()]:
            assert not list(check.iter_errors(pet))
        two = await client.get("/pet/findByStatus", params=[("status", "sold"), ("status", "pending")])
        assert {pet["status"] for pet in two.json()} == {"sold", "pending"}
        assert (await client.get("/pet/findByStatus", params={"status": "lost"})).status_code == 400
        for path in ("/pet/404404", "/pet/Milou", "/pet/getPetByName/Milou"):
            missing = await client.get(path)
            assert (missing.status_code, missing.headers["content-type"]) == (404, "application/json")


async def test_basic_authentication_is_checked_against_the_path(world: Outside) -> None:
    async with httpx.AsyncClient(base_url=world.url("httpbin"), trust_env=False) as client:
        path = "/basic-auth/serverless-workflow/conformance-test"
        answer = await client.get(path, auth=("serverless-workflow", "conformance-test"))
        assert answer.json() == {"authenticated": True, "user": "serverless-workflow"}
        for auth in (None, ("serverless-workflow", "wrong"), ("x", "conformance-test")):
            refused = await client.get(path, auth=auth)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"].startswith("Basic ")
        assert (await client.get("/bearer")).status_code == 401
        assert (await client.get("/bearer", headers={"Authorization": "Bearer t"})).json()["token"] == "t"
        assert (await client.get("/status/418")).status_code == 418
        echoed = (await client.post("/anything/a?b=c", json={"d": 1})).json()
        assert (echoed["args"], echoed["json"], echoed["method"]) == ({"b": "c"}, {"d": 1}, "POST")
