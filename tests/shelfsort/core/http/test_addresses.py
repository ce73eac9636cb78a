import pytest

from shelfsort.core.http import is_public_address

INNER = {
    "this network": ["0.0.0.0", "0.1.2.3"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "carrier-grade NAT": ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "metadata": ["169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192",
                 "fd00:ec2::254", "fe80::a9fe:a9fe"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "protocol assignments": ["192.0.0.8", "192.0.0.170", "192.52.193.1", "192.88.99.1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "::2", "100::1", "5f00::1"],
    "unique local": ["fc00::1", "fd00::1"],
    "site-local": ["fec0::1", "feff::1"],
    "unspecified": ["::"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:0"],
    "translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
    "compatible": ["::127.0.0.1", "::8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::e000:1",
              "64:ff9b:1::808:808", "64:ff9b:1:7f00:0:100::"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:c058:6301::1"],
    "Teredo": ["2001:0:7f00:1::", "2001:0:808:808:0:0:80ff:fffe", "2001::1"],
    "ORCHID": ["2001:10::1", "2001:20::1"],
    "ISATAP": ["2a00:1450::5efe:127.0.0.1", "2a00:1450::200:5efe:10.0.0.1",
               "fe80::5efe:10.0.0.1"],
}  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
    "192.0.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2001:4860:4860::8888",
    "2606:4700::1111", "2001:200::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    "2a00:1450::5efe:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", [each for group in INNER.values() for each in group])
def test_addresses_of_the_inner_network_are_not_public(address):
    assert not is_public_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address):
    assert is_public_address(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "::1::"])
def test_what_is_no_address_is_an_error(text):
    with pytest.raises(ValueError):
        is_public_address(text)
