"""What the product reads as an address is never a contact, in any sentence; a phone number beside one is."""

from __future__ import annotations

import ipaddress
import random
import time

import pytest

from app.core.detect.finding import Secret
from app.core.detect.networks import without_networks
from app.core.masking import Mask, find_secrets
from eval.masking.measure import read_cases

PRIVATE = [ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
EVERYWHERE = [ipaddress.IPv4Network("0.0.0.0/0")]
DRAWN = 800, 200
"""Private networks, and networks of any kind."""
SENTENCES = """\
{net}
DHCP scope {net} is full
route {net} via {a}
subnet {net}
NAT to {a}/32
Widened the scope from {net} to {other}
Call me about {net} please
Telefon-VLAN {net} hat keine Adressen
the number is {net}
Rufnummer des SIP-Trunks: {net}
teléfono IP {a}/{length}
réseau {net} joignable par {a}
contact at {a}/{length}
fax gateway {a}/{length}
phone at {a} reboots
tel {a}
ext {a}
permit ip {first} {wild} any
{a} {mask}
{a}/{mask}
{first} /{length}
[{net}] ({net}) <{a}> "{net}"
{net};{other}, {a},{b}
{a}-{b} is used up
{a} - {b}
{a}-{last}
{a}/{last}
{a}:{port} refused
telnet {a} {port}
{a} {port} 8443 3389 open
from {a} port {port} to {b} port {port}
{a}.{port} > {b}.443: Flags [S]
ping {a} 56 84 bytes of data
{a} via {b} metric 100 200 300
http://{a}:{port}/x/12345678
\\\\{a}\\share\\{port}
+{net} added
{a}\t{mask}\t{b}
ip-{hyphens}.eu-west-1.compute.internal, {hyphens}.example.net
{v6}/64 and [{v6}]:{port} and {v6}%12
MAC {mac} at {a}
arp -s {a} {mac_hyphens}
{mac_dots} {mac_halves} {mac}
网段{net}不通，{a}:{port}也不通
{net}から{other}へ、{a}に接続できません
서버 {a}에서 {net}으로
MAC地址{mac}的{a}
""".splitlines()


def a_sentence(form: str, rng: random.Random, blocks: list[ipaddress.IPv4Network]) -> str:
    block = rng.choice(blocks)
    length = rng.randint(max(block.prefixlen, 8), 32)
    address = int(block.network_address) + rng.getrandbits(32 - block.prefixlen)
    net = ipaddress.IPv4Network((address, length), strict=False)
    hexes = "".join(rng.choice("0123456789abcdef" if rng.random() < 0.5 else "0123456789") for _ in range(12))
    pairs = [hexes[at : at + 2] for at in range(0, 12, 2)]
    return form.format(
        net=net,
        other=ipaddress.IPv4Network((rng.getrandbits(32), rng.randint(8, 32)), strict=False),
        a=ipaddress.IPv4Address(address),
        b=ipaddress.IPv4Address(rng.getrandbits(32)),
        v6=ipaddress.IPv6Address((0x20010DB8 << 96) | rng.getrandbits(64)),
        first=net.network_address,
        mask=net.netmask,
        wild=net.hostmask,
        length=length,
        last=rng.randint(1, 254),
        port=rng.randint(1, 65_535),
        hyphens=str(ipaddress.IPv4Address(address)).replace(".", "-"),
        mac=":".join(pairs),
        mac_hyphens="-".join(pairs),
        mac_dots=".".join(hexes[at : at + 4] for at in (0, 4, 8)),
        mac_halves=f"{hexes[:6]}-{hexes[6:]}",
    )


@pytest.mark.parametrize("form", SENTENCES)
def test_no_network_is_a_contact(form: str) -> None:
    rng = random.Random(20261128)
    private, everywhere = DRAWN
    texts = [a_sentence(form, rng, PRIVATE) for _ in range(private)] + [
        a_sentence(form, rng, EVERYWHERE) for _ in range(everywhere)
    ]
    assert [text for text in texts if find_secrets(text)] == []


VERSIONS = ["{v}", "Windows {v} 2023", "{v} ({n})", "{v} 64 bit, 2019", "{v} {v}", "build {v}/{n}", "OID {v}.1.3 {n}"]


@pytest.mark.parametrize("form", VERSIONS)
def test_no_version_is_a_contact(form: str) -> None:
    rng = random.Random(20261128)
    for _ in range(DRAWN[0]):
        version = ".".join(str(rng.randint(0, each)) for each in (30, 20, 30_000, 9_999))
        text = form.format(v=version, n=rng.randint(1_000, 99_999))
        assert Mask().text(text) == text


def test_the_texts_that_nothing_was_tuned_on() -> None:
    for case in read_cases("networks.txt"):
        assert Mask().text(case.text) == case.text


NETWORKS = (
    "10.20.30.40|10.20.30.0/24|192.168.1.10:8080|10.0.0.1-10.0.0.50|10.0.0.1-50|10.0.0.0 255.255.255.0|172.16/12".split(
        "|"
    )
)
NETWORKS += (
    "fe80::1|2001:db8::8a2e:370:7334/64|00:1a:2b:3c:4d:5e|00-11-22-33-44-55|0011.2233.4455|10.0.19045.3803".split("|")
)
NETWORKS += [r"\\10.1.2.3\c$", "http://10.1.2.3:8080/x", "10-20-30-40.example.net"]
JOINTS = [" ", ", ", " / ", " - ", "; ", "\n", " (", "\t", " | ", " – "]
PHONES = "+33 4.91.12.34.56|+33 (0)4.91.12.34.56|(0)4.91.12.34.56|+47 22.33.44.55|+33.1.42.68.53.00|+49.89.1234567|1.212.555.0187".split(
    "|"
)
PHONES += "00 49 30 12 34 56|06-12-34-56-78|+61 2 9374 4000|+31 20 369 7777|(0221) 4711-0815|de 06 12 34 56 78".split(
    "|"
)


def contacts(text: str) -> set[int]:
    return {at for each in find_secrets(text) if each.kind is Secret.PHONE for at in range(each.start, each.end)}


@pytest.mark.parametrize(
    "text", ["On 10.20.30.40? No, 0171 1234567 please", "电话13800138000分机8001，网段10.0.0.0/24不通"]
)
def test_a_phone_number_stays_one_beside_a_word(text: str) -> None:
    assert contacts(text)


def known_phones() -> list[str]:
    """Those that are one without a word before them."""
    labelled = [
        case.text[item.start : item.end]
        for case in read_cases("positive.txt")
        for item in case.items
        if item.kind is Secret.PHONE
    ]
    return sorted(phone for phone in {*labelled, *PHONES} if contacts(phone))


def test_a_phone_number_beside_a_network_is_masked() -> None:
    phones = known_phones()
    assert len(phones) > 50
    for number, phone in enumerate(phones):
        alone = {at for at in contacts(phone) if phone[at].isdigit()}
        for at, network in enumerate(NETWORKS):  # each pair with one joint, and each of the two with every joint
            joint = JOINTS[(number + at) % len(JOINTS)]
            for text in (f"{network}{joint}{phone}", f"{phone}{joint}{network}"):
                begin, other = text.index(phone), text.index(network)
                digits = {place + begin for place in alone}
                masked = contacts(text)
                assert digits <= masked, text
                assert not masked & set(range(other, other + len(network))), text


def test_a_word_says_that_it_is_a_phone_number_although_it_looks_like_hardware() -> None:
    assert Mask().text("Tel. 617764-070718") == "Tel. [phone-1]"
    assert Mask().text("MAC 617764-070718") == "MAC 617764-070718"


@pytest.mark.parametrize(
    "part", ["10.", "1.1.1.1 ", "1-", "00:", "0a ", "::", "10.1/8 ", "1.1.1.1.", "+1 1.1.1.1 ", "aa-bb-"]
)
def test_a_long_text_of_addresses_is_no_burden(part: str) -> None:
    text = part * (64_000 // len(part))
    started = time.process_time()
    assert len(without_networks(text)) == len(text)
    assert time.process_time() - started < 1
