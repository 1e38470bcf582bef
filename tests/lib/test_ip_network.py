"""IP allow list entries and the client's address: rules I1-I7."""

import pytest

from callcab.lib import ip_network


@pytest.mark.parametrize(
    ("text", "canonical", "notices"),
    [
        ("8.8.8.8", "8.8.8.8", ()),
        (" 8.8.8.8/32\xa0", "8.8.8.8", ()),
        ("8.8.8.8/24", "8.8.8.0/24", ("host_bits",)),
        ("2A00:1450:0:0:0:0:0:1/128", "2a00:1450::1", ()),
        ("2a00:1450::1/32", "2a00:1450::/32", ("host_bits",)),
        ("::ffff:8.8.8.8", "8.8.8.8", ("mapped",)),
        ("::ffff:8.8.8.0/120", "8.8.8.0/24", ("mapped",)),
        ("10.1.2.3", "10.1.2.3", ("private",)),
        ("127.0.0.1", "127.0.0.1", ("loopback",)),
        ("::1", "::1", ("loopback",)),
        ("100.64.1.1", "100.64.1.1", ("carrier",)),
        ("224.11.111.111", "224.11.111.111", ("multicast",)),
        ("10.0.0.0/8", "10.0.0.0/8", ("private",)),
    ],
)
def test_an_entry_has_one_spelling(text, canonical, notices):
    entry = ip_network.parse(text)
    assert (entry.canonical, entry.notices) == (canonical, notices)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("08.8.8.8", "leading_zero"),
        ("8.8.8.010", "leading_zero"),
        ("::ffff:08.8.8.8", "leading_zero"),
        ("8.8.8.8:80", "port"),
        ("example.com:80", "port"),
        ("[2a00::1]:443", "brackets"),
        ("fe80::1%eth0", "zone"),
        ("example.com", "host_name"),
        ("localhost", "host_name"),
        ("8.8.8.*", "wildcard"),
        ("134744072", "integer"),
        ("0x08080808", "hex"),
        ("0x8.8.8.8", "hex"),
        ("8.8.8.8, 9.9.9.9", "multiple"),
        ("8.8.8.8 9.9.9.9", "multiple"),
        ("8.8.8.8-8.8.8.9", "range"),
        ("8.8.8.8 – 9", "range"),
        ("８.8.8.8", "non_ascii"),
        ("٨.8.8.8", "non_ascii"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("255.255.255.255", "broadcast"),
        ("0.0.0.0/0", "too_wide"),
        ("8.0.0.0/7", "too_wide"),
        ("2a00::/15", "too_wide"),
        ("::ffff:0:0/96", "too_wide"),
        ("8.8.8.8/33", "bad_mask"),
        ("8.8.8.8/024", "bad_mask"),
        ("8.8.8.8/255.255.255.0", "bad_mask"),
        ("8.8.8.8/", "bad_mask"),
        ("8.8.8.8/24/24", "bad_mask"),
        ("8.8.8", "bad_format"),
        ("256.1.1.1", "bad_format"),
        ("2a00:::1", "bad_format"),
    ],
)
def test_a_doubtful_entry_is_refused_with_a_hint(text, reason):
    with pytest.raises(ip_network.IpError) as caught:
        ip_network.parse(text)
    assert caught.value.reason == reason


def test_a_mapped_client_is_in_an_ipv4_network():
    networks = [ip_network.parse("8.8.8.0/24").network, "2a00::/16"]
    inside = [ip_network.contains(networks, address) for address in ("::ffff:8.8.8.9", "2a00::5", "9.9.9.9", "x")]
    assert inside == [True, True, False, False]


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("9.9.9.9", "1.1.1.1", 0, "9.9.9.9"),
        ("127.0.0.1", "1.1.1.1", 1, "1.1.1.1"),
        ("127.0.0.1", "6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("127.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.1", 2, "1.1.1.1"),
        ("127.0.0.1", "1.1.1.1", 2, "127.0.0.1"),
        ("127.0.0.1", None, 1, "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1, unknown", 1, "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1:5555", 1, "1.1.1.1"),
        ("127.0.0.1", "[2A00::1]:443", 1, "2a00::1"),
        ("127.0.0.1", "::ffff:1.1.1.1", 1, "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6", "1.1.1.1"], 1, "1.1.1.1"),
        ("::ffff:9.9.9.9", None, 0, "9.9.9.9"),
        ("", "1.1.1.1", 1, "1.1.1.1"),
        ("9.9.9.9", "1.1.1.1", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.2", "6.6.6.6, 1.1.1.1, 10.0.0.1", ["10.0.0.0/8"], "1.1.1.1"),
        ("10.0.0.2", "1.1.1.1, bad", ["10.0.0.0/8"], "10.0.0.2"),
    ],
)
def test_only_our_own_proxies_are_believed(peer, forwarded, trusted, client):
    assert ip_network.client_address(peer, forwarded, trusted) == client
