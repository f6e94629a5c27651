"""Colours by role. The page's script puts a light or a dark one in the place of each name."""

from collections.abc import Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "@page": "#ffffff",
        "@panel": "#f6f7f9",
        "@ink": "#1c2430",
        "@soft": "#5d6878",
        "@grid": "#e3e6eb",
        "@blue": "#2f6fde",
        "@band": "rgba(47,111,222,0.16)",
        "@orange": "#d9730d",
        "@green": "#1a8a5a",
        "@red": "#cf2f3f",
        "@purple": "#8448c9",
        "@grey": "#8a94a3",
        "@shade": "rgba(207,47,63,0.13)",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "@page": "#12161c",
        "@panel": "#1a2028",
        "@ink": "#e5e9ef",
        "@soft": "#97a3b4",
        "@grid": "#2a323d",
        "@blue": "#6ea3ff",
        "@band": "rgba(110,163,255,0.20)",
        "@orange": "#ffab57",
        "@green": "#4fcf98",
        "@red": "#ff7681",
        "@purple": "#c39bff",
        "@grey": "#7d8896",
        "@shade": "rgba(255,118,129,0.18)",
    }
)

SERIES = ("@blue", "@orange", "@green", "@purple", "@red", "@grey")
"""For curves of equal rank, in this order."""
