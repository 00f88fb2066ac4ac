"""Prompt and completion are tokenized apart, the prompt is masked, and every drop is counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("yaml", reason="needs the extra [train]")

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.data import IGNORED, Document, Encoder
from pytrace_mono.train.rows import Row


def ids(tokenizer: Any, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


def test_a_document_is_bos_prompt_completion_eos_with_the_prompt_masked(tokenizer: Any) -> None:
    (document,) = Encoder(tokenizer, 100).encode([Row("plain", "def total(", "xs):")])
    prompt, completion = ids(tokenizer, "def total("), ids(tokenizer, "xs):")
    assert tuple(document.tokens) == (
        tokenizer.bos_token_id, *prompt, *completion, tokenizer.eos_token_id
    )  # fmt: skip
    assert document.labels == (
        *[IGNORED] * (1 + len(prompt)), *completion, tokenizer.eos_token_id
    )  # fmt: skip


def test_no_token_reaches_across_the_boundary(tokenizer: Any) -> None:
    text = "result"
    assert len(ids(tokenizer, text)) < len(ids(tokenizer, "res")) + len(ids(tokenizer, "ult"))
    (document,) = Encoder(tokenizer, 100).encode([Row("plain", "res", "ult")])
    prompt = tuple(document.tokens[1 : document.prompt_tokens])
    assert tokenizer.decode(list(prompt)) == "res"


@settings(deadline=None)
@given(prompt=st.text(max_size=30), completion=st.text(min_size=1, max_size=30))
def test_what_is_labelled_is_the_completion_and_its_end(
    tokenizer: Any, prompt: str, completion: str
) -> None:
    encoder = Encoder(tokenizer, 1_000)
    documents = list(encoder.encode([Row("plain", prompt, completion)]))
    if not completion.strip():
        assert documents == []
        assert encoder.dropped == {("plain", "no_label"): 1}
        return
    (document,) = documents
    labelled = [label for label in document.labels if label != IGNORED]
    assert tokenizer.decode(labelled[:-1], clean_up_tokenization_spaces=False) == completion
    assert labelled[-1] == tokenizer.eos_token_id
    assert document.labels[0] == IGNORED


def test_rows_that_cannot_be_learnt_whole_are_dropped_and_counted_per_task(tokenizer: Any) -> None:
    room = 2 + len(ids(tokenizer, "ask")) + len(ids(tokenizer, "answer"))
    rows = [
        Row("forward", "ask", "answer"),
        Row("forward", "ask", "answer and more than fits"),
        Row("backward", "ask", " \n"),
        Row("backward", "ask", ""),
        Row("repair", "a</s>", "b"),
    ]
    encoder = Encoder(tokenizer, room)
    assert [document.task for document in encoder.encode(rows)] == ["forward"]
    assert encoder.dropped == {
        ("forward", "too_long"): 1,
        ("backward", "no_label"): 2,
        ("repair", "special_token"): 1,
    }


def test_many_rows_keep_their_order(tokenizer: Any) -> None:
    rows = [Row("plain", "", str(number)) for number in range(600)]
    said = [
        tokenizer.decode(list(document.tokens[1:-1]))
        for document in Encoder(tokenizer, 100).encode(rows)
    ]
    assert said == [row.completion for row in rows]


def test_the_first_token_never_has_a_label() -> None:
    assert Document("plain", (5, 6), 1).labels == (IGNORED, 6)


def test_a_tokenizer_that_loses_indentation_is_refused(tokenizer: Any) -> None:
    class Stripping:
        eos_token_id, bos_token_id = 1, 0
        all_special_ids = (0, 1)

        def __call__(self, text: str, **options: Any) -> Any:
            return tokenizer(" ".join(text.split()), **options)

        decode = staticmethod(tokenizer.decode)

    code = ["def f():\n    return 1\n"]
    Encoder(tokenizer, 10).require_round_trip(code)
    with pytest.raises(TrainingDataError, match="at character 8"):
        Encoder(Stripping(), 10).require_round_trip(code)


def test_a_tokenizer_without_an_end_is_refused(tokenizer: Any) -> None:
    class Endless:
        eos_token_id = None

    with pytest.raises(TrainingDataError, match="no EOS token"):
        Encoder(Endless(), 10)
