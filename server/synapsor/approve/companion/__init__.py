"""The companion approval server: prompts that a person runs in their own client, on another wire than the agent's."""
