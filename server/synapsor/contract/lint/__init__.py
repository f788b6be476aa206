"""What a reviewer should look at twice: matters of taste and risk, beside the rules of `check`, which are never a matter of either."""
