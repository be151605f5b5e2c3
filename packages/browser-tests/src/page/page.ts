import "./memory.js"; // before all else
import { pageTasks } from "./page-tasks.js";

Object.assign(globalThis, { pageTasks });
