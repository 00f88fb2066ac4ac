"""curator (bespokelabs-curator) on the prompts of ``teacher.py``, in any Python that has it.

    python teacher_curator.py URL COUNT AT_ONCE

Prints the requests, the seconds and the seconds of CPU of its one call, from prompts to answers.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import time

MISSING = 3


def main() -> None:
    if importlib.util.find_spec("bespokelabs") is None:
        sys.exit(MISSING)
    url, count, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as place:
        for name in ("HOME", "CURATOR_CACHE_DIR", "HF_HOME"):
            os.environ[name] = place
        os.environ |= {"TELEMETRY_ENABLED": "0", "CURATOR_VIEWER": "0", "OPENAI_API_KEY": "none"}
        os.environ["CURATOR_DISABLE_RICH_DISPLAY"] = "1"
        import tiktoken

        # It would fetch its vocabulary from the network; counting characters costs it less.
        tiktoken.get_encoding = tiktoken.encoding_for_model = lambda name: Characters()
        from bespokelabs import curator

        bounds = {"max_requests_per_minute": 10**7, "max_tokens_per_minute": 10**10}
        own = {"base_url": url, "max_retries": 0, "max_concurrent_requests": at_once, **bounds}
        llm = curator.LLM(model_name="m", backend="openai", backend_params=own)
        prompts = [f"{i} " + "x = x + 1\n" * 200 for i in range(count)]
        started, cpu = time.perf_counter(), time.process_time()
        answers = llm(prompts)
        times = (time.perf_counter() - started, time.process_time() - cpu)
        rows = len(getattr(answers, "dataset", answers))
        print(json.dumps([rows, *times]))


class Characters:
    def encode(self, text: str, **_: object) -> range:
        return range(len(text) // 4)


if __name__ == "__main__":
    main()
