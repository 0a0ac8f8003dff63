"""Training steps of fusion_torch.py, on demand: `python3 train_torch.py FOLDER FEEDS THREADS`.

FOLDER is a model folder, FEEDS a safetensors file with the feeds of all batches, named `<batch>.<feed>`. Prints one line about
itself; then reads lines {"batch", "learningRate", "update"} and answers each with a line of losses and seconds. Without
`update` the gradient is computed and dropped: a warm-up.
"""

import json
import os
import sys
import time

import numpy
import torch

from fusion_torch import Fusion

DTYPES = {"F32": numpy.float32, "I64": numpy.int64}


def read_safetensors(path):
    """Tensors by name: eight bytes with the length of a JSON header, the header, the data."""
    data = numpy.fromfile(path, dtype=numpy.uint8)
    length = int(data[:8].view(numpy.uint64)[0])
    header = json.loads(data[8 : 8 + length].tobytes())
    header.pop("__metadata__", None)
    body = data[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(body[begin:end].tobytes(), dtype=DTYPES[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


def read_batches(path):
    batches = {}
    for name, tensor in read_safetensors(path).items():
        batch, feed = name.split(".", 1)
        batches.setdefault(int(batch), {})[feed] = tensor
    return batches


def load_model(folder):
    read = lambda name: json.load(open(os.path.join(folder, name), encoding="utf8"))
    model = Fusion(read("config.json"), read("vision_config.json"))
    weights = read_safetensors(os.path.join(folder, "model.safetensors"))
    # The official files hold the tower's last norm, which nothing reads.
    model.load_state_dict({name: value for name, value in weights.items() if ".post_layernorm." not in name})
    return model


def blas_libraries():
    """The library that multiplies matrices, where the system tells; it decides the speed."""
    try:
        with open("/proc/self/maps", encoding="utf8") as maps:
            files = {os.path.basename(line.split()[-1]) for line in maps if ".so" in line}
    except OSError:
        return []
    return sorted(name for name in files if any(part in name for part in ("blas", "blis", "mkl_")))


def main(folder, feeds, threads):
    torch.set_num_threads(int(threads))
    model = load_model(folder)
    batches = read_batches(feeds)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0, foreach=True)
    say = lambda line: print(json.dumps(line), flush=True)
    say({"torch": torch.__version__, "threads": torch.get_num_threads(), "blas": blas_libraries()})
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        losses = model(batches[request["batch"]])
        losses["loss"].backward()
        if request["update"]:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = request["learningRate"]
            optimizer.step()
        values = {name: value.item() for name, value in losses.items()}
        say({**values, "seconds": time.perf_counter() - start})


if __name__ == "__main__":
    main(*sys.argv[1:])
