"""FUSION (arXiv 2504.09925) in plain PyTorch: what `npm run bench` compares its training step with.

Modules are named as the official checkpoint names them, so that model.safetensors loads without renaming. `paper` semantics,
SigLIP towers and the Phi-3 decoder: what the bench trains. Equation numbers are those of the paper.

B batch, S sequence, D language width, E vision width, P patches, I instruction tokens, R questions, Q latents of a question,
w window side, A heads, H head dim.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Named(nn.Module):
    """Modules under their checkpoint names."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)


def attend(q, k, v, bias=None):
    """softmax(q·kᵀ/√H + bias)·v: [..., M, H], [..., N, H] twice -> [..., M, H]"""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return torch.softmax(scores if bias is None else scores + bias, dim=-1) @ v


def bias_of(seen):
    """0 where a key is seen, -inf where not."""
    return torch.zeros(seen.shape).masked_fill_(~seen, float("-inf"))


class EncoderLayer(nn.Module):
    """Pre-LN ViT layer (3)."""

    def __init__(self, width, inner, heads, epsilon):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width, epsilon)
        self.layer_norm2 = nn.LayerNorm(width, epsilon)
        self.self_attn = Named(**{f"{name}_proj": nn.Linear(width, width) for name in ("q", "k", "v", "out")})
        self.mlp = Named(fc1=nn.Linear(width, inner), fc2=nn.Linear(inner, width))

    def forward(self, x, bias):  # x [B, T, E], bias broadcasts to [B, A, T, T]
        attn = self.self_attn
        normed = self.layer_norm1(x)
        split = lambda t: t.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, A, T, H]
        mixed = attend(split(attn.q_proj(normed)), split(attn.k_proj(normed)), split(attn.v_proj(normed)), bias)
        x = x + attn.out_proj(mixed.transpose(1, 2).flatten(2))
        inner = F.gelu(self.mlp.fc1(self.layer_norm2(x)), approximate="tanh")
        return x + self.mlp.fc2(inner)


class VisionModel(nn.Module):
    """The tower without its last layer, and the features (4)-(7) of all its states."""

    def __init__(self, vision):
        super().__init__()
        width, patch = vision["hidden_size"], vision["patch_size"]
        self.grid = vision["image_size"] // patch
        self.layers = vision["num_hidden_layers"] - 1
        self.half = self.layers // 2
        self.embeddings = Named(
            patch_embedding=nn.Conv2d(3, width, patch, stride=patch), position_embedding=nn.Embedding(self.grid**2, width)
        )
        layer = (width, vision["intermediate_size"], vision["num_attention_heads"], vision.get("layer_norm_eps", 1e-6))
        self.encoder = Named(layers=nn.ModuleList(EncoderLayer(*layer) for _ in range(self.layers)))

    def embed(self, pixels):  # [B, 3, c, c] -> F_v0 [B, P, E]
        return self.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2) + self.embeddings.position_embedding.weight

    def forward(self, states, first_half=None, second_half=None):  # X_0 [B, T, E] -> F [B, T, 3E]
        hidden = [states]
        for index, layer in enumerate(self.encoder.layers):
            hidden.append(layer(hidden[-1], first_half if index < self.half else second_half))
        early = sum(hidden[: self.half]) / self.half  # (4)
        late = sum(hidden[self.half : 2 * self.half]) / self.half  # (5)
        return torch.cat([hidden[-1], early, late], dim=-1)  # (6)(7)


class RMSNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


class DecoderLayer(nn.Module):
    """Phi-3: fused projections, rotary positions, grouped queries, SwiGLU."""

    def __init__(self, width, inner, heads, key_value_heads, head_dim, epsilon):
        super().__init__()
        self.heads, self.key_value_heads, self.head_dim = heads, key_value_heads, head_dim
        linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        rows = (heads + 2 * key_value_heads) * head_dim
        self.self_attn = Named(qkv_proj=linear(width, rows), o_proj=linear(heads * head_dim, width))
        self.mlp = Named(gate_up_proj=linear(width, 2 * inner), down_proj=linear(inner, width))
        self.input_layernorm = RMSNorm(width, epsilon)
        self.post_attention_layernorm = RMSNorm(width, epsilon)

    def forward(self, x, rope, bias):  # x [B, S, D]
        joined = self.self_attn.qkv_proj(self.input_layernorm(x)).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        q, k, v = joined.split([self.heads, self.key_value_heads, self.key_value_heads], dim=1)  # [B, A, S, H]
        q, k = rotate(q, *rope), rotate(k, *rope)
        if self.heads != self.key_value_heads:
            k, v = (t.repeat_interleave(self.heads // self.key_value_heads, dim=1) for t in (k, v))
        x = x + self.self_attn.o_proj(attend(q, k, v, bias).transpose(1, 2).flatten(2))
        gate, up = self.mlp.gate_up_proj(self.post_attention_layernorm(x)).chunk(2, dim=-1)
        return x + self.mlp.down_proj(F.silu(gate) * up)


def rotate(x, cos, sin):  # x [B, A, S, H], cos and sin [B, 1, S, H]
    left, right = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-right, left], dim=-1) * sin


class InteractionLayer(nn.Module):
    """(9)-(11): each latent aggregates its window of global context."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        linear = lambda inputs=width: nn.Linear(inputs, width, bias=False)
        normed = lambda: nn.Sequential(nn.LayerNorm(width), linear())
        self.proj_in, self.proj_context = linear(2 * width), linear()
        self.cross_attn = Named(q_proj=normed(), k_proj=normed(), v_proj=normed(), o_proj=linear())
        self.norm = nn.LayerNorm(width)
        self.proj_out = Named(linear_1=linear(), linear_2=linear())

    def forward(self, questions, latents, windows):  # [B, R, D], [B, R, Q, D], [B, Q, w², D] -> [B, R, Q, D]
        repeated = questions.unsqueeze(2).expand_as(latents)
        query = self.proj_in(torch.cat([repeated, latents], dim=-1))  # (9)
        context = self.proj_context(windows)  # (10)(11)
        split = lambda t: t.unflatten(-1, (self.heads, -1))
        q = split(self.cross_attn.q_proj(query)).permute(0, 2, 3, 1, 4)  # [B, Q, A, R, H]
        k = split(self.cross_attn.k_proj(context)).transpose(2, 3)  # [B, Q, A, w², H]
        v = split(self.cross_attn.v_proj(context)).transpose(2, 3)
        mixed = attend(q, k, v).permute(0, 3, 1, 2, 4).flatten(3)  # [B, R, Q, D]
        u = self.norm(self.cross_attn.o_proj(mixed) + query)
        return latents + self.proj_out.linear_2(F.gelu(self.proj_out.linear_1(u)))


class Fusion(nn.Module):
    """The model of a folder; called with the feeds of a batch it gives the loss and its parts."""

    def __init__(self, config, vision):
        super().__init__()
        refuse_other_models(config)
        self.config = config
        width, heads = config["hidden_size"], config["num_attention_heads"]
        layers = config["num_hidden_layers"]
        head_dim = config.get("head_dim") or width // heads
        epsilon = config.get("rms_norm_eps", 1e-5)
        decoder = (width, config["intermediate_size"], heads, config.get("num_key_value_heads", heads), head_dim, epsilon)
        projector = lambda inputs, outputs: nn.Sequential(nn.Linear(inputs, outputs), nn.GELU(), nn.Linear(outputs, outputs))
        start, stride = config.get("start_of_vision_sampler_layers", 0), config.get("stride_of_vision_sampler_layers", 3)
        count = config.get("num_of_vision_sampler_layers", 10)
        self.interaction_after = {start + k * stride: k for k in range(count)}
        interaction = lambda: InteractionLayer(width, config.get("fusion_interaction_heads", 16))
        self.model = Named(
            embed_tokens=nn.Embedding(config["vocab_size"], width),
            layers=nn.ModuleList(DecoderLayer(*decoder) for _ in range(layers)),
            norm=RMSNorm(width, epsilon),
            vision_tower=Named(vision_tower=Named(vision_model=VisionModel(vision))),
            mm_projector=projector(3 * vision["hidden_size"], width),
            aux_projector=projector(width, vision["hidden_size"]),
            vision_sampler_layers=nn.ModuleList(Named(layers=nn.ModuleList([interaction()])) for _ in range(count)),
        )
        if not config.get("tie_word_embeddings"):
            self.lm_head = nn.Linear(width, config["vocab_size"], bias=False)
        frequencies = config.get("rope_theta", 10000.0) ** (-torch.arange(0, head_dim, 2).float() / head_dim)
        self.register_buffer("frequencies", frequencies, persistent=False)

    @property
    def tower(self):
        return self.model.vision_tower.vision_tower.vision_model

    def forward(self, feeds):
        encoded = self.text_guided_encoding(feeds)
        latents, windows = self.latent_tokens(feeds["sub_images"], feeds["latent_rows"].shape[2])
        hidden = self.decode(feeds, encoded["image"], latents, windows)
        weighted_mean = lambda x, weight: (x * weight).sum() / weight.sum().clamp(min=1)
        table = getattr(self, "lm_head", self.model.embed_tokens).weight
        logits = F.linear(hidden.flatten(0, 1).index_select(0, feeds["answer_rows"]), table)  # [M, V]
        entropy = F.cross_entropy(logits, feeds["answer_ids"], reduction="none")
        answer = weighted_mean(entropy, feeds["answer_weights"])  # (14)
        text_distance = 1 - F.cosine_similarity(encoded["rebuilt_text"], encoded["instruction"], dim=-1)
        vision_to_text = weighted_mean(text_distance, feeds["instruction_mask"])  # (12)
        rebuilt = self.model.aux_projector(encoded["image"])
        text_to_vision = (1 - F.cosine_similarity(rebuilt, encoded["patches"], dim=-1)).mean()  # (13)
        weight = self.config.get("fusion_mapping_weight", 0.1)
        loss = answer + weight * (vision_to_text + text_to_vision)  # (15)
        return {"loss": loss, "answer": answer, "visionToText": vision_to_text, "textToVision": text_to_vision}

    def text_guided_encoding(self, feeds):
        """(1)-(8); vision rows see no text in the first half of the layers."""
        mask = feeds["instruction_mask"] > 0  # [B, I]
        instruction = self.model.embed_tokens(feeds["instruction_ids"])  # (1) [B, I, D]
        patches = self.tower.embed(feeds["pixel_values"])  # F_v0 [B, P, E]
        joint = torch.cat([patches, self.model.aux_projector(instruction)], dim=1)  # (2)
        count = patches.shape[1]
        keys = F.pad(mask, (count, 0), value=True)[:, None, None]  # [B, 1, 1, P+I]
        low = keys.repeat(1, 1, joint.shape[1], 1)
        low[:, :, :count, count:] = False
        projected = self.model.mm_projector(self.tower(joint, bias_of(low), bias_of(keys)))  # (3)-(8)
        return {
            "image": projected[:, :count],
            "rebuilt_text": projected[:, count:],
            "instruction": instruction,
            "patches": patches,
        }

    def latent_tokens(self, sub_images, latents):
        """z_0 [B, Q, D] and the windows [B, Q, w², D] of the global context."""
        batch, grid, window = sub_images.shape[0], self.tower.grid, self.config.get("window_size", 3)
        quarters = self.model.mm_projector(self.tower(self.tower.embed(sub_images.flatten(0, 1))))  # [4B, P, D]
        cells = quarters.view(batch, 2, 2, grid, grid, -1).permute(0, 5, 1, 3, 2, 4)
        context = cells.reshape(batch, -1, 2 * grid, 2 * grid)  # [B, D, 2√P, 2√P]
        side = round(latents**0.5)
        initial = F.adaptive_max_pool2d(context, side).flatten(2).transpose(1, 2)
        pooled = F.adaptive_max_pool2d(context, side * window).view(batch, -1, side, window, side, window)
        windows = pooled.permute(0, 2, 4, 3, 5, 1).reshape(batch, latents, window**2, -1)
        return initial, windows

    def decode(self, feeds, image, latents, windows):
        """The decoder with its interaction layers; S rows of text, image and latents in their places."""
        text = self.model.embed_tokens(feeds["input_ids"])
        zero = text.new_zeros(1, text.shape[-1])
        rows = torch.cat([*(part.flatten(0, 1) for part in (text, image, latents)), zero])
        hidden = F.embedding(feeds["row_source"], rows)  # [B, S, D]
        angle = (feeds["position_ids"].unsqueeze(-1) * self.frequencies).repeat(1, 1, 2).unsqueeze(1)  # [B, 1, S, H]
        rope = angle.cos(), angle.sin()
        bias = bias_of(torch.ones(hidden.shape[1], hidden.shape[1], dtype=torch.bool).tril())
        source = feeds["latent_source"].flatten()
        latent_rows = (source >= 0).nonzero().squeeze(1)
        source = source[latent_rows]
        for index, layer in enumerate(self.model.layers):
            hidden = layer(hidden, rope, bias)
            if index not in self.interaction_after:
                continue
            flat = hidden.flatten(0, 1)
            questions, current = F.embedding(feeds["question_rows"], flat), F.embedding(feeds["latent_rows"].clamp(min=0), flat)
            interaction = self.model.vision_sampler_layers[self.interaction_after[index]].layers[0]
            updated = interaction(questions, current, windows).flatten(0, 2).index_select(0, source)
            hidden = flat.index_copy(0, latent_rows, updated).view_as(hidden)
        return self.model.norm(hidden)


def refuse_other_models(config):
    expected = {"model_type": "fusion_phi", "fusion_semantics": "paper", "rope_scaling": None, "fusion_image_tokens": None}
    wrong = [f"{key} {config.get(key)}" for key, value in expected.items() if config.get(key) != value]
    if "clip" in config["mm_vision_tower"] and "siglip" not in config["mm_vision_tower"]:
        wrong.append("a CLIP tower")
    if wrong:
        raise SystemExit(f"fusion_torch.py does not build: {', '.join(wrong)}")
