import { geminiContract } from '../contract/gemini.ts';

geminiContract('vertexai');
geminiContract('genai');
