"""Templates of the lines of one service, found by Drain, with a bound on the work that strange lines make.

Drain compares a line with every template that has as many words and the same first one. Where hardly two lines are
alike, these grow without end: each line makes one more. So there are at most so many, and what fits none of them once
they are used up is counted by its first words.
"""

from __future__ import annotations

from collections.abc import Sequence

from drain3.drain import Drain, LogCluster  # type: ignore[import-untyped]

_SIMILAR = 0.6
_MOST_TEMPLATES = 500
_MOST_ALIKE = 32
"""Templates with as many words and the same first word."""
_MOST_WORDS = 80


class Miner(Drain):  # type: ignore[misc]  # drain3 has no types
    """Templates, at most `_MOST_TEMPLATES`, that are never forgotten: an old one that comes back is nothing new."""

    def __init__(self) -> None:
        """No templates yet."""
        super().__init__(depth=4, sim_th=_SIMILAR, max_children=50)
        self._crowded = False

    def template_of(self, shape: str) -> LogCluster | None:
        """The template of a message; None when it fits none and there are too many.

        Args:
            shape: the message with all masked that differs from call to call.
        """
        words = shape.split()[:_MOST_WORDS]
        self._crowded = False
        found = self.tree_search(self.root_node, words, self.sim_th, False)
        if found is None:
            if self._crowded or len(self.id_to_cluster) >= _MOST_TEMPLATES:
                return None
            return self.add_log_message(" ".join(words))[0]
        found.log_template_tokens = tuple(self.create_template(words, found.log_template_tokens))
        found.size += 1
        return found

    def fast_match(
        self, cluster_ids: Sequence[int], tokens: list[str], sim_th: float, include_params: bool
    ) -> LogCluster | None:
        """The best of the templates that may fit, of which there are never many."""
        self._crowded = len(cluster_ids) >= _MOST_ALIKE
        return super().fast_match(cluster_ids, tokens, sim_th, include_params)
