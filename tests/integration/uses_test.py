"""Registering the use of a card over every channel, cancelling it, and the papers that follow."""

import json
import subprocess

import pytest

from harness.cards import CheckOrder, base64url
from harness.installation import onshi

INSURER = "01139997"
CHANNELS = ("desk", "portal", "bank_machine", "municipality")


def wish(client, card, purpose):
    """What the card's holder wants, with the certificate when the hub asks for it."""
    body = CheckOrder(client.terminal, card, client.challenge(purpose=purpose), purpose=purpose).body()
    reply = client.post("/v1/use-registrations", body)
    if reply.code != "certificate.needed":
        return reply
    return client.post("/v1/use-registrations", {**body, "certificate": base64url(card.certificate)})


def registered_with(wallet, insurer_key, count):
    """Cards of people insured by that insurer alone, whose use is registered."""
    rows = wallet.installation.rows(wallet.installation.registry,
                                    "SELECT person_key FROM coverage_number GROUP BY person_key "
                                    "HAVING min(insurer_number) = ? AND max(insurer_number) = ?", (insurer_key, insurer_key))
    keys = {key for key, in rows} & set(wallet.usable) & wallet.registered
    return [wallet.cards[key] for key in sorted(keys) if key in wallet.cards][:count]


@pytest.fixture(scope="module")
def holders(wallet):
    found = registered_with(wallet, 801139997, 6)
    assert len(found) == 6
    return found


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_cancels_and_registers(connect, holders, channel):
    client, card = connect(channel), holders[CHANNELS.index(channel)]
    assert wish(client, card, "ask_use").value == {"use": "registered", "changed": False}
    cancelled = wish(client, card, "cancel_use_now")
    assert (cancelled.status, cancelled.value["use"], cancelled.value["changed"]) == (200, "cancelled", True)
    again = wish(client, card, "cancel_use_now")
    assert (again.value["use"], again.value["changed"]) == ("cancelled", False)
    assert wish(client, card, "register_use").value["use"] == "registered"
    assert wish(client, card, "ask_use").value == {"use": "registered", "changed": False}


def test_a_cancellation_waits_for_the_insurers_certificate(hub, connect, check, holders):
    insurer, card = connect("insurer"), holders[4]
    assert wish(connect("portal"), card, "cancel_use").value["use"] == "cancel_requested"
    assert check(card).value["result"]["name"] == "valid"
    order, = (order for order in insurer.get("/v1/paper-orders").value["orders"] if order["reason"] == "cancelled")
    noted = insurer.post(f"/v1/paper-orders/{order['record']}/issued", {"operator": "sato", "valid_to": "2027-07-31"})
    assert (noted.status, noted.value["use"]) == (200, "cancelled")
    assert check(card).value["result"]["name"] == "none"
    assert order["record"] not in {left["record"] for left in insurer.get("/v1/paper-orders").value["orders"]}
    again = insurer.post(f"/v1/paper-orders/{order['record']}/issued", {"operator": "sato", "valid_to": "2027-07-31"})
    assert again.value == noted.value
    assert wish(connect("bank_machine"), card, "register_use").value["use"] == "registered"
    assert check(card).value["result"]["name"] == "valid"
    assert onshi("audit", "verify", "--config", hub.installation.settings).returncode == 0


def test_an_insurer_types_in_what_came_on_paper(connect, check, holders, wallet):
    insurer, card = connect("insurer"), holders[5]
    coverage = check(card).value["coverage"]
    person = wallet.persons[card.person_key]
    order = {"operator": "sato", "number": coverage["number"], "birth_date": person.birth_date}
    order |= {name: coverage[name] for name in ("symbol", "branch") if name in coverage}
    assert insurer.post("/v1/use-registrations/cancel", {**order, "birth_date": "1901-01-01"}).code == "use.no_record"
    assert insurer.post("/v1/use-registrations/cancel", {**order, "operator": "nobody"}).code == "account.unknown"
    done = insurer.post("/v1/use-registrations/cancel", {**order, "without_waiting": True})
    assert (done.status, done.value["use"], done.value["changed"]) == (200, "cancelled", True)
    assert check(card).value["result"]["name"] == "none"
    assert connect("desk").post("/v1/use-registrations/cancel", order).code == "role.missing"


def test_the_proof_lists_everybody_without_a_means_and_their_papers_are_drawn(hub, connect, tmp_path):
    settings = hub.installation.settings
    proven = onshi("paper", "prove", "--config", settings, "--json")
    assert proven.returncode == 8, "a demo has people without a card"
    report = json.loads(proven.stdout)
    assert report["insured"] == report["by_card"] + report["by_paper"] + report["without"]
    assert report["without"] > 0 and report["owed"]["no_card"] > 0
    listed = onshi("paper", "orders", "--insurer", INSURER, "--config", settings, "--format", "ndjson")
    orders = [json.loads(line) for line in listed.stdout.splitlines()]
    assert len(orders) > 10
    over_the_api = connect("insurer").get("/v1/paper-orders").value["orders"]
    assert {order["record"] for order in over_the_api} == {order["record"] for order in orders}
    file = tmp_path / "certificates.pdf"
    drawn = onshi("paper", "certificates", "--insurer", INSURER, "--out", file, "--config", settings, "--json")
    assert drawn.returncode == 0, drawn.stderr
    assert json.loads(drawn.stdout)["papers"] == len(orders)
    text = subprocess.run(["pdftotext", "-enc", "UTF-8", file, "-"], capture_output=True, check=True).stdout.decode()
    assert text.count("資格確認書") == len(orders) and INSURER in text
    numbers = hub.installation.rows(hub.installation.registry, "SELECT bytes FROM person_now WHERE section = 1 LIMIT 1")
    assert numbers and "住所" not in text, "no address on a certificate"
    one = tmp_path / "one.pdf"
    drawn = onshi("paper", "certificates", "--insurer", INSURER, "--record", orders[0]["record"], "--out", one,
                  "--config", settings, "--json")
    assert json.loads(drawn.stdout)["papers"] == 1
    notices = tmp_path / "notices.pdf"
    drawn = onshi("paper", "notices", "--insurer", INSURER, "--max", 5, "--out", notices, "--config", settings, "--json")
    assert drawn.returncode == 0 and json.loads(drawn.stdout)["papers"] == 5, drawn.stderr
    text = subprocess.run(["pdftotext", "-enc", "UTF-8", notices, "-"], capture_output=True, check=True).stdout.decode()
    assert text.count("このお知らせだけでは受診できません") == 5
    nobody = onshi("paper", "certificates", "--insurer", INSURER, "--record", 1, "--out", tmp_path / "x.pdf", "--config",
                   settings)
    assert nobody.returncode != 0 and "use.no_order" in nobody.stderr


def test_an_account_is_made_and_ended(hub, connect):
    insurer, settings = connect("insurer"), hub.installation.settings
    issued = {"operator": "tanaka", "valid_to": "2027-07-31"}
    path = "/v1/paper-orders/1/issued"
    assert insurer.post(path, issued).code == "account.unknown"
    words = ("account", "put", "--insurer", INSURER, "--reference", "tanaka", "--operator", "root", "--config", settings)
    made = onshi(*words)
    assert made.returncode == 0, made.stderr
    assert insurer.post(path, issued).code == "use.no_order", "known now; there is no such order"
    assert onshi(*words, "--end").returncode == 0
    assert insurer.post(path, issued).code == "account.unknown"


def test_protection_is_set_and_cleared_and_looks_ordinary(hub, check, holders, wallet):
    card = holders[0]
    before = check(card).value
    person = wallet.persons[card.person_key]
    coverage = before["coverage"]
    words = ["person", "protect", "--insurer", INSURER, "--number", coverage["number"], "--birth-date",
             person.birth_date, "--flag", "block_self_information", "--operator", "sato", "--config",
             hub.installation.settings, "--json"]
    for name in ("symbol", "branch"):
        if name in coverage:
            words += [f"--{name}", coverage[name]]
    done = onshi(*words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["block_self_information"] and not json.loads(done.stdout)["hide_history"]
    blocked = check(card).value
    assert blocked["result"]["name"] == "none" and "person" not in blocked
    # Its insurer owes it a certificate now.
    assert onshi("paper", "prove", "--config", hub.installation.settings).returncode == 8
    asked = json.loads(onshi(*words, "--clear").stdout)
    assert asked["block_self_information"] and asked["waiting_for_second_person"] == ["block_self_information"]
    refused = onshi(*words, "--clear")
    assert refused.returncode != 0 and "intake.second_person" in refused.stdout + refused.stderr
    assert check(card).value["result"]["name"] == "none"
    words[words.index("sato")] = "suzuki"
    cleared = onshi(*words, "--clear")
    assert not json.loads(cleared.stdout)["block_self_information"]
    assert check(card).value["result"] == before["result"]
    assert onshi("db", "check", "--config", hub.installation.settings).returncode == 0
    assert onshi("audit", "verify", "--config", hub.installation.settings).returncode == 0
