"""CODEOWNERS files of GitHub and GitLab, and the assignment rules that they amount to. No I/O."""
