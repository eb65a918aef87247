"""Names for reports: of the table, of one's own, and such as a page could break on."""

from __future__ import annotations

from agent.networks import NETWORKS

HOSTILE = "</style></script><script>alert(1)</script>\"' onload=x &amp; {--c:red} \udc80\x00\u202e"
LONG = "my_networks.experiments.second_attempt:" + "VeryLongNetworkName" * 3
OWN = tuple(f"own{place}:Net" for place in range(6))
NAMES = (*NETWORKS, *OWN, LONG, HOSTILE)
"""Twenty networks."""
FEW = ("stride", "dense_sub", "half_max", "half_avg")
