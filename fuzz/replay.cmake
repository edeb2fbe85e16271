# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(replay_event USES replay)
