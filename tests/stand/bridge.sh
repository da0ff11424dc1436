# The network of the private engine: a bridge of this checkout and address translation in
# an nftables table of its own. dockerd itself writes no firewall rules here, since its
# chains have fixed names and another engine of the machine may own them.
# Sourced after layout.sh.

# An interface name has 15 bytes at most.
ENGINE_BRIDGE=decant${STAND_ID:0:8}
ENGINE_TABLE=decant_$STAND_ID
# A /24 of 10.128.0.0/10 that depends on the checkout.
ENGINE_NET=10.$((128 + 16#${STAND_ID:0:2} % 64)).$((16#${STAND_ID:2:2}))

make_bridge() {
    ip link show "$ENGINE_BRIDGE" >/dev/null 2>&1 || ip link add "$ENGINE_BRIDGE" type bridge
    ip addr replace "$ENGINE_NET.1/24" dev "$ENGINE_BRIDGE"
    ip link set "$ENGINE_BRIDGE" up
    nft -f - <<RULES
table ip $ENGINE_TABLE
delete table ip $ENGINE_TABLE
table ip $ENGINE_TABLE {
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr $ENGINE_NET.0/24 ip daddr != $ENGINE_NET.0/24 masquerade
    }
}
RULES
}

remove_bridge() {
    ip link del "$ENGINE_BRIDGE" 2>/dev/null || true
    nft delete table ip "$ENGINE_TABLE" 2>/dev/null || true
}
