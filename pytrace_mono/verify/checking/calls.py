"""What calls gave, and what was raised."""

from __future__ import annotations

from pytrace_mono.tracer.types import Snapshot
from pytrace_mono.verify.checking.comparing import fits
from pytrace_mono.verify.checking.context import Answer, Context, where
from pytrace_mono.verify.claims import Called, Claim, Gives, Raises
from pytrace_mono.verify.frames import LATE, Frame
from pytrace_mono.verify.reading import shapes


def gives(context: Context, claim: Claim, said: Gives) -> Answer:
    """Whether a call gave, or the function returned, what is shown."""
    if said.call is not None:
        call = said.call
        if context.run.trace.call is not None and shapes.normal(call) == shapes.normal(
            context.run.trace.call
        ):
            value = context.run.trace.outcome.value
            if value is not None and fits(said.shown, value):
                return True, "", None
        frames = context.places.called(call)
        if not frames:
            return _unmade(context, call)
    elif claim.place.call is not None and (inside := context.places.frames(claim.place)):
        frames = inside
        if context.main is not None and context.main not in frames:
            frames = [*frames, *([context.main] if _says_main(context, claim) else [])]
    else:
        frames = _returning(context, claim)
    ended = [f for f in frames if f.ends < LATE]
    start = context.run.trace.call_start
    if said.how == "yielded":
        given = [(time, value) for f in ended for time, value in f.yields if time >= start]
    else:
        made = said.call is not None and "__init__" not in said.call
        given = [(f.ends, value) for f in ended if (value := _result(f, made=made)) is not None]
    answers: list[bool | None] = []
    for time, value in sorted(given, key=lambda item: item[0] < context.cursor):
        answer = fits(said.shown, value)
        if answer:
            if context.forward and said.call is None and time > context.cursor:
                context.cursor = time
            return True, "", time
        answers.append(answer)
    if not given:
        return (None if frames else False), "nothing is returned there", None
    if None in answers:
        return None, "the value was not recorded exactly", given[0][0]
    return False, f"it is {given[0][1].text[:200]}", given[0][0]


def _result(frame: Frame, *, made: bool) -> Snapshot | None:
    """What an activation gave; ``made``: a call of a class gives the object, not what __init__ did."""
    if frame.ending != "return":
        return None
    if made and frame.name == "__init__":
        return next((frame.at(name, LATE) for name in frame.arguments), None)
    return frame.value


def _says_main(context: Context, claim: Claim) -> bool:
    return "function" in claim.text and not claim.place.passes


def _unmade(context: Context, call: str) -> Answer:
    named = call.split("(")[0].rsplit(".", 1)[-1]
    if any(f.name == named for f in context.run.called):
        return False, f"{call} is not called in this run", None
    return None, f"{call} was not recorded", None


def _returning(context: Context, claim: Claim) -> list[Frame]:
    """The activations of which "it returns" may be said."""
    frames = (
        [context.main]
        if context.main is not None
        else [f for f in context.run.called if f.depth == 0] or context.run.resumed
    )
    line = claim.place.line
    if line is not None:
        others = [f for f in context.run.called if f.visits and f.visits[-1].label == line]
        if others and not any(f in others for f in frames):
            return others
        frames = frames + [f for f in others if f not in frames]
    elif len(context.run.called) > 1:
        frames = frames + [f for f in context.run.called if f not in frames and f.name[0] != "<"]
    return frames


def called(context: Context, claim: Claim, said: Called) -> Answer:
    """Whether such a call was made."""
    frames = context.places.called(said.call)
    if frames:
        return True, "", frames[0].begins
    return _unmade(context, said.call)


def raised(context: Context, claim: Claim, said: Raises) -> Answer:
    """Whether such an exception was raised."""
    name = said.type.rsplit(".", 1)[-1]
    raised = [(v, v.raised) for v in context.places.visits(claim.place) if v.raised is not None]
    if not raised:
        raised = [(v, v.raised) for v in context.run.visits if v.raised is not None]
    for visit, value in raised:
        if value.type.rsplit(".", 1)[-1] == name and (
            not said.message or said.message in value.text
        ):
            return True, "", visit.start
    outcome = context.run.trace.outcome.exception
    if outcome is not None and outcome.type.rsplit(".", 1)[-1] == name:
        return True, "", None
    if raised:
        visit, value = raised[0]
        return False, f"{value.text[:200]} is raised {where(visit)}", visit.start
    return False, "nothing is raised in this run", None
