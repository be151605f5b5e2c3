export { LEAF_DICE_DEFAULTS, type LeafDiceOptions, leafDice } from "./leaf-dice.js";
