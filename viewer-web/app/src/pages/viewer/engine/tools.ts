/** The mouse: which cornerstone tool each button drives. */
import {
  addTool, EllipticalROITool, Enums, LengthTool, PanTool, ProbeTool, RectangleROITool, StackScrollTool, ToolGroupManager, WindowLevelTool, ZoomTool,
} from '@cornerstonejs/tools';
import type { Tool } from '../model/viewerState';
import { lengthLines, probeLines, regionLines } from './markTexts';

const group = 'sen';
const { Primary, Secondary, Auxiliary, Wheel } = Enums.MouseBindings;

const names: Record<Tool, string> = {
  window: WindowLevelTool.toolName,
  scroll: StackScrollTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  length: LengthTool.toolName,
  rectangle: RectangleROITool.toolName,
  ellipse: EllipticalROITool.toolName,
  probe: ProbeTool.toolName,
};

/** What each tool does whatever the left button is set to. */
const always: Partial<Record<Tool, { mouseButton?: number; numTouchPoints?: number }[]>> = {
  pan: [{ mouseButton: Auxiliary }],
  zoom: [{ mouseButton: Secondary }, { numTouchPoints: 2 }],
  scroll: [{ mouseButton: Wheel }],
};

const marks: ReadonlySet<Tool> = new Set<Tool>(['length', 'rectangle', 'ellipse', 'probe']);

/** Makes the tools known to cornerstone, once. */
export function addTools(): void {
  for (const tool of [WindowLevelTool, StackScrollTool, ZoomTool, PanTool, LengthTool, RectangleROITool, EllipticalROITool, ProbeTool]) addTool(tool);
  const made = ToolGroupManager.createToolGroup(group);
  if (!made) return;
  made.addTool(names.window);
  made.addTool(names.scroll);
  made.addTool(names.zoom, { pan: true });
  made.addTool(names.pan);
  made.addTool(names.length, { getTextLines: lengthLines });
  made.addTool(names.rectangle, { getTextLines: regionLines });
  made.addTool(names.ellipse, { getTextLines: regionLines });
  made.addTool(names.probe, { getTextLines: probeLines });
}

/** Gives the left button to a tool; measurements already made stay movable. */
export function giveLeftButton(tool: Tool): void {
  const tools = ToolGroupManager.getToolGroup(group);
  if (!tools) return;
  for (const other of Object.keys(names) as Tool[]) {
    const bindings = [...(always[other] ?? []), ...(other === tool ? [{ mouseButton: Primary }] : [])];
    if (bindings.length > 0) tools.setToolActive(names[other], { bindings });
    else if (marks.has(other)) tools.setToolPassive(names[other]);
    else tools.setToolDisabled(names[other]);
  }
}

/** Puts a cell under the tools. */
export function joinTools(viewportId: string, engineId: string): void {
  ToolGroupManager.getToolGroup(group)?.addViewport(viewportId, engineId);
}

/** Takes a cell away from the tools. */
export function leaveTools(viewportId: string, engineId: string): void {
  ToolGroupManager.getToolGroup(group)?.removeViewports(engineId, viewportId);
}
