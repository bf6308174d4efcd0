"""Reads YAML that people write: plain values only, and no key twice."""

from __future__ import annotations

import yaml


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader; of a key that stands twice it would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        found: dict[object, object] = super().construct_mapping(node, deep)
        return found


def load(text: bytes) -> object:
    """The document of a YAML text; ``yaml.YAMLError`` says what is wrong and where."""
    return yaml.load(text, _Loader)  # noqa: S506 - it is the safe loader, made stricter
